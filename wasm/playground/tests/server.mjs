/** Serves the built page as any web server would, and records the requests. */

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { CSP } from "../csp.mjs";

/** Where `vite build` writes the page. */
export const BUILT = fileURLToPath(new URL("../../../target/playground/", import.meta.url));

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".yaml": "application/yaml",
};

/** A server on a free port, below a folder as on a page host. */
export async function serve() {
  if (!existsSync(join(BUILT, "index.html"))) {
    throw new Error("the page is not built: run `cargo xtask playground build` first");
  }
  const asked = new Set();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = normalize(pathname.replace(/^\/folder\//, "/").replace(/\/$/, "/index.html"));
    const file = join(BUILT, path);
    if (!pathname.startsWith("/folder/") || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    asked.add(path);
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Content-Security-Policy": `${CSP}; frame-ancestors 'none'`,
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}/folder/`,
    /** The paths of the requested files. */
    asked,
    close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      return closed;
    },
  };
}
