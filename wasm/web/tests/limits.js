// What browsers fetch, in bytes, and why it may be that much. The playground's tests read it too.
//
// Most of it is the function. What `exportFiles` adds, 25 KB with gzip, is the code of `export` and of
// JSON patches (RFC 6902), by which each patch is checked before it is given; the exposure `Relay`
// and its schema came with it. A page that never exports could do without, but a second module would
// hold the parsers and the function once more.

/** The package, as it is packed. */
export const PACKED = 760_000;

/** The first load of the playground, with gzip. */
export const FIRST_LOAD = 900_000;
