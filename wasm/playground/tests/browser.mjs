/** Chromium with the page open, and checks for every page that a test has opened. */

import assert from "node:assert/strict";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

export const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Chromium's sandbox does not work as root, the usual user in containers. */
export const SANDBOX = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

/** A browser and a server for the tests of a file. */
export async function start(options = []) {
  const server = await serve();
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [...options, ...SANDBOX],
  });
  return {
    server,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Opens the page in a separate browser, calls `test`, and checks that nothing was logged or sent. */
export async function withPage({ browser, server }, options, test) {
  const { hash = "", ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...contextOptions });
  context.setDefaultTimeout(15_000);
  try {
    const watched = watch(context, server.url);
    const page = await open(context, server.url + hash);
    await test(page, context);
    watched.check();
  } finally {
    await context.close();
  }
}

/** Opens the page in a context, and waits until it is ready. */
export async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("html[data-ready]").waitFor();
  return page;
}

function watch(context, url) {
  const origin = new URL(url).origin;
  const elsewhere = [];
  const said = [];
  // Requests of the service worker too.
  context.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(`${origin}/`) && !to.startsWith(`blob:${origin}/`)) {
      elsewhere.push(to);
    }
  });
  const listen = (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        said.push(`${message.type()}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => said.push(`uncaught: ${error.stack ?? error}`));
    page.on("dialog", (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  };
  context.on("page", listen);
  return {
    check() {
      assert.deepEqual(elsewhere, [], "requests to elsewhere");
      // Violations of the policy are also errors in the console.
      assert.deepEqual(said, [], "messages in the console");
    },
  };
}
