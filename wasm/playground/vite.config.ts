/** How the playground is built: static files in `target/playground`, which any web server can serve from any folder. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig, type Plugin } from "vite";

import { CSP } from "./csp.mjs";

/** Writes the service worker, which needs the names of all files. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const files = ["./", "./icon.svg", ...Object.keys(bundle).filter((file) => file !== "index.html").map((file) => `./${file}`)];
        const hash = createHash("sha256");
        for (const [name, file] of Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1))) {
          hash.update(name).update(file.type === "chunk" ? file.code : file.source);
        }
        const source = readFileSync(new URL("sw.js", import.meta.url), "utf8")
          .replace("%NAME%", `playground-${hash.digest("hex").slice(0, 16)}`)
          .replace("%FILES%", JSON.stringify(files.sort(), null, 2));
        this.emitFile({ type: "asset", fileName: "sw.js", source });
      },
    },
  };
}

/** Writes the policy into the page. */
function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    transformIndexHtml: {
      order: "pre",
      // While developing, Vite itself needs inline styles and a socket.
      handler: (html, { server }) =>
        server ? html.replace(/\n.*%CSP%.*/, "") : html.replace("%CSP%", CSP),
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [contentSecurityPolicy(), serviceWorker()],
  build: {
    outDir: fileURLToPath(new URL("../../target/playground", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // The policy allows no data: URLs.
    assetsInlineLimit: 0,
    // In kB. A test holds the first load to its limit, with gzip.
    chunkSizeWarningLimit: 600,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { assetFileNames: "assets/[name]-[hash][extname]" } },
  },
  preview: { headers: { "Content-Security-Policy": `${CSP}; frame-ancestors 'none'` } },
});
