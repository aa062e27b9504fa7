// The limits on what browsers download, in bytes, and the reasons for them. The playground's tests
// read it too.
//
// Most of it is the function. What `exportFiles` adds, 25 KB with gzip, is the code of `export` and of
// JSON patches (RFC 6902), with which each patch is checked before it is returned; the exposure
// `Relay` and its schema came with it. A page that never exports does not need it, but a second
// module would contain the parsers and the function again.

/** The package, as it is packed. */
export const PACKED = 780_000;

/** The first load of the playground, with gzip. */
export const FIRST_LOAD = 900_000;
