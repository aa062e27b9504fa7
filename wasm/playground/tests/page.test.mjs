/** The user's actions on the page. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { open, start, withPage } from "./browser.mjs";

const fixture = (name) => readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url), "utf8");

let started;
before(async () => {
  started = await start();
});
after(() => started.close());

/** Replaces the whole content of an editor, like a paste. */
async function paste(page, label, text) {
  const editor = page.getByRole("textbox", { name: label, exact: true });
  await editor.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(text);
}

const diffAfter = (page) => page.getByRole("textbox", { name: /^Manifests (after|with the changes)$/ });
const drawn = (page, text) => page.locator("#diagram svg text").filter({ hasText: new RegExp(`^${text}$`) });
const summary = (page) => page.locator("#summary");

test("the chart's render is pasted, and its diff and its path are shown", () =>
  withPage(started, {}, async (page) => {
    await paste(page, "Manifests", fixture("chart/chart-metrics.yaml"));
    await page.getByText(/^\d resources change, \d+ stay as they are\. 1 warning\.$/).waitFor();
    await diffAfter(page).getByText("session-server").first().waitFor();
    await drawn(page, "Load balancer").first().waitFor();
  }));

test("a field of the form changes the YAML, which keeps its comments, and the diff", () =>
  withPage(started, {}, async (page) => {
    await paste(page, "SessionServer as YAML", `# ours
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server # a name
`);
    await page.getByLabel("advertiseAddress", { exact: true }).fill("terminal.example.com");
    const yaml = page.getByRole("textbox", { name: "SessionServer as YAML" });
    await yaml.getByText("advertiseAddress: terminal.example.com").waitFor();
    await yaml.getByText("# ours").waitFor();
    await yaml.getByText("# a name").waitFor();
    await diffAfter(page).getByText('advertise_address = "terminal.example.com:9000"').waitFor();
    assert.equal(await page.getByLabel("advertiseAddress", { exact: true }).inputValue(), "terminal.example.com");

    await page.getByLabel("type", { exact: true }).selectOption("Ingress");
    await page.getByLabel("host", { exact: true }).fill("t.example.com");
    await page.getByLabel("controller", { exact: true }).selectOption("nginx");
    await yaml.getByText("controller: nginx").waitFor();
    await page.getByText("Ingress ci/gr-gitlab-runner-session-server", { exact: true }).first().waitFor();

    await page.getByLabel("type", { exact: true }).selectOption("LoadBalancer");
    await page.getByLabel("host", { exact: true }).waitFor({ state: "detached" });
    assert.equal(await yaml.getByText("controller: nginx").count(), 0);
    await page.getByLabel("advertiseAddress", { exact: true }).fill("");
    assert.equal(await yaml.getByText("advertiseAddress").count(), 0);
  }));

test("the form offers the pod's start, with its image and timeout", () =>
  withPage(started, {}, async (page) => {
    const yaml = page.getByRole("textbox", { name: "SessionServer as YAML" });
    const when = page.getByLabel("When", { exact: true });
    assert.equal(await when.inputValue(), "Build");
    assert.equal(await page.getByLabel("image", { exact: true }).count(), 0);

    await when.selectOption({ label: "at the pod's start" });
    await yaml.getByText("at: PodStart").waitFor();
    await page.locator("#results").getByText(/spec\.configure\.image/).waitFor();
    await page.getByLabel("image", { exact: true }).fill("registry.example.com/runner-terminal:0.2.0");
    await page.locator(`[id="SessionServer.configure.timeout"]`).fill("90s");
    const waits = page.locator("#results").getByText(/It waits up to 1m 30s/);
    await waits.waitFor();
    await page.locator("#diagram svg text").filter({ hasText: "learns the Service's" }).first().waitFor();
    assert.equal(await drawn(page, "pending").count(), 0);

    await when.selectOption({ label: "at the build" });
    await yaml.getByText("PodStart").waitFor({ state: "detached" });
    await page.getByLabel("image", { exact: true }).waitFor({ state: "detached" });
    await waits.waitFor({ state: "detached" });
  }));

test("on a narrow screen the fields of the pod's start fit", () =>
  withPage(started, { viewport: { width: 390, height: 844 } }, async (page) => {
    await page.getByLabel("When", { exact: true }).selectOption("PodStart");
    await page.getByLabel("image", { exact: true }).fill("registry.example.com/team/tools/with/a/long/path/runner-terminal:0.2.0");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${width} pixels`);
  }));

test("the YAML changes the form, and the form waits while the YAML is broken", () =>
  withPage(started, {}, async (page) => {
    const config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {name: s}\nspec:\n";
    await paste(page, "SessionServer as YAML", `${config}  listenPort: 9999\n`);
    const port = page.getByLabel("listenPort", { exact: true });
    await page.waitForFunction(() => document.getElementById("SessionServer.listenPort")?.value === "9999");
    await paste(page, "SessionServer as YAML", `${config}  listenPort: [`);
    await page.getByText("the form waits until it can").waitFor();
    assert.equal(await port.count(), 0);
    await paste(page, "SessionServer as YAML", `${config}  sessionTimeout: 2h\n`);
    await page.waitForFunction(() => document.getElementById("SessionServer.sessionTimeout")?.value === "2h");
  }));

test("what cannot be edited as it is written stays, and the page says why", () =>
  withPage(started, {}, async (page) => {
    const config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {name: s}\nspec:\n  listenPort: 9999\n";
    await paste(page, "SessionServer as YAML", `${config}\t\n`);
    const port = page.getByLabel("listenPort", { exact: true });
    await page.waitForFunction(() => document.getElementById("SessionServer.listenPort")?.value === "9999");
    await port.fill("8888");
    const notice = page.getByRole("alert").getByText(/Nothing has changed in SessionServer: .*\/spec\/listenPort: a tab indents the blank line/);
    await notice.waitFor();
    const yaml = page.getByRole("textbox", { name: "SessionServer as YAML" });
    assert.equal(await yaml.getByText("listenPort: 9999").count(), 1);
    await paste(page, "SessionServer as YAML", config);
    await notice.waitFor({ state: "detached" });
    await port.fill("8888");
    await yaml.getByText("listenPort: 8888").waitFor();
  }));

test("a mistake in the functionConfig is underlined, and its result leads to the line", () =>
  withPage(started, {}, async (page) => {
    await paste(page, "SessionServer as YAML", "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {name: s}\nspec:\n  replicaz: 3\n");
    await page.locator("#results .error").getByText("replicaz").waitFor();
    await page.locator("#configs .cm-lintRange-error").getByText("replicaz").waitFor();
    await page.getByRole("button", { name: "Go to SessionServer:5" }).click();
    const focused = await page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.ariaLabel);
    assert.equal(focused, "SessionServer as YAML");
  }));

test("a refusal is an error at the line of the replicas, and nothing changes", () =>
  withPage(started, {}, async (page) => {
    await page.getByLabel("Example").selectOption({ label: "The chart with three replicas, which is refused" });
    await page.getByText("Refused: nothing changes. 1 error.").waitFor();
    await page.locator("#results").getByRole("button", { name: /^Go to chart-replicas-3\.yaml:\d+$/ }).click();
    await page.locator("#manifests .cm-lintRange-error").getByText("replicas").first().waitFor();
    await drawn(page, "broken").first().waitFor();
  }));

test("the steps lead to an address, which may be another", () =>
  withPage(started, {}, async (page) => {
    const slider = page.getByRole("slider", { name: "Step" });
    assert.equal(await slider.getAttribute("aria-valuetext"), "1 of 3: Before the apply");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#results").getByText(/its load balancer has no address yet/).waitFor();
    assert.equal(await diffAfter(page).getByText("advertise_address").count(), 0);
    await page.keyboard.press("ArrowRight");
    await diffAfter(page).getByText('advertise_address = "203.0.113.7:9000"').waitFor();
    await page.getByLabel("The cluster gives it").fill("lb.example.com");
    await diffAfter(page).getByText('advertise_address = "lb.example.com:9000"').waitFor();
    assert.equal(await drawn(page, "pending").count(), 0);
  }));

test("with NodePort the last step knows the port and a node", () =>
  withPage(started, {}, async (page) => {
    await page.getByLabel("type", { exact: true }).selectOption("NodePort");
    const slider = page.getByRole("slider", { name: "Step" });
    await slider.focus();
    await page.keyboard.press("End");
    await diffAfter(page).getByText('advertise_address = "203.0.113.7:30000"').waitFor();
  }));

test("a link shows another browser the same", async () => {
  let link;
  await withPage(started, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await page.getByLabel("listenPort", { exact: true }).fill("9999");
    await page.getByRole("slider", { name: "Step" }).press("End");
    await page.getByLabel("The cluster gives it").fill("2001:db8::1");
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByText("The link is in the clipboard.").waitFor();
    link = await page.evaluate(() => navigator.clipboard.readText());
  });
  assert.match(link, /#v1\.[\w-]+$/);
  await withPage(started, { hash: new URL(link).hash }, async (page) => {
    assert.equal(await page.getByLabel("listenPort", { exact: true }).inputValue(), "9999");
    assert.equal(await page.getByRole("slider", { name: "Step" }).inputValue(), "2");
    await diffAfter(page).getByText('advertise_address = "[2001:db8::1]:9000"').waitFor();
    await diffAfter(page).getByText('listen_address = "0.0.0.0:9999"').waitFor();
  });
});

test("where the clipboard is closed, the link is in the address bar", async () => {
  let hash;
  await withPage(started, {}, async (page) => {
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.getByLabel("listenPort", { exact: true }).fill("9998");
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByText("The link is in the address bar.").waitFor();
    hash = new URL(page.url()).hash;
  });
  await withPage(started, { hash }, async (page) => {
    assert.equal(await page.getByLabel("listenPort", { exact: true }).inputValue(), "9998");
  });
});

test("a long link comes with a note", () =>
  withPage(started, { permissions: ["clipboard-write"] }, async (page) => {
    // Data that does not compress.
    const noise = await page.evaluate(() => {
      const bytes = crypto.getRandomValues(new Uint8Array(12_000));
      return `# ${btoa(String.fromCharCode(...bytes))}\n`;
    });
    await paste(page, "Manifests", noise + fixture("chart/chart-default.yaml"));
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByText(/It has \d\d,\d{3} characters, and some programs cut links that long/).waitFor();
  }));

test("files are opened and dropped, each with its tab", () =>
  withPage(started, {}, async (page) => {
    await page.locator("#files").setInputFiles([
      { name: "config.yaml", mimeType: "text/yaml", buffer: Buffer.from(fixture("../../kustomization/kpt/config.yaml")) },
      { name: "runner.yaml", mimeType: "text/yaml", buffer: Buffer.from(fixture("../../kustomization/kpt/runner.yaml")) },
    ]);
    await page.getByRole("button", { name: "runner.yaml", exact: true }).waitFor();
    assert.equal(await page.locator("#tabs [aria-pressed=true]").textContent(), "runner.yaml");
    const data = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "dropped.yaml"));
      return transfer;
    }, fixture("chart/chart-metrics.yaml"));
    await page.getByRole("textbox", { name: "Manifests", exact: true }).dispatchEvent("drop", { dataTransfer: data });
    await page.locator("#diff-file").getByText("dropped.yaml").waitFor();
    await page.getByText(/resources change/).waitFor();
  }));

test("a file that is no text is refused, and nothing changes", () =>
  withPage(started, {}, async (page) => {
    const was = await summary(page).textContent();
    await page.locator("#files").setInputFiles([{ name: "a.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0xff, 0xfe, 0, 1]) }]);
    await page.getByRole("alert").getByText("a.bin cannot be read").waitFor();
    assert.equal(await summary(page).textContent(), was);
  }));

test("the result is copied and downloaded byte for byte", () =>
  withPage(started, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    const made = await page.evaluate((text) => globalThis.runnerTerminal.transform(text).manifests, fixture("chart/chart-default.yaml"));
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByText("The manifests are in the clipboard.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), made);
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    assert.equal(file.suggestedFilename(), "chart-default.yaml");
    assert.equal(readFileSync(await file.path(), "utf8"), made);
  }));

test("CRLF stays CRLF while one types", () =>
  withPage(started, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    const text = fixture("chart/chart-default.yaml").replaceAll("\n", "\r\n");
    await page.locator("#files").setInputFiles([{ name: "crlf.yaml", mimeType: "text/yaml", buffer: Buffer.from(text) }]);
    await page.locator("#diff-file").getByText("crlf.yaml").waitFor();
    await page.getByRole("textbox", { name: "Manifests", exact: true }).focus();
    await page.keyboard.press("ControlOrMeta+Home");
    await page.keyboard.type("# mine");
    await diffAfter(page).waitFor();
    const made = await page.evaluate((input) => globalThis.runnerTerminal.transform(input).manifests, `# mine${text}`);
    await page.waitForFunction(() => performance.getEntriesByName("render").length > 2);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByText("The manifests are in the clipboard.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), made);
  }));

const SECRET = `apiVersion: v1
kind: Secret
metadata: {name: runner}
stringData: {config.toml: "concurrent = 10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: runner}
spec:
  selector: {matchLabels: {app: runner}}
  template:
    metadata: {labels: {app: runner}}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:v18.9.0
        volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
      volumes: [{name: config, secret: {secretName: runner}}]
`;
const view = (page, name) => page.getByRole("group", { name: "View" }).getByRole("button", { name, exact: true });

test("what changes is exported as a Component, file by file", () =>
  withPage(started, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    const { component } = await page.evaluate(
      (text) => globalThis.runnerTerminal.exportFiles(text),
      fixture("chart/chart-default.yaml"),
    );
    await view(page, "Export").click();
    assert.equal(await page.locator("#diff").isVisible(), false);
    const shown = await page.locator("#exported article").evaluateAll((all) =>
      all.map((file) => ({ path: file.querySelector("h3").textContent, text: file.querySelector("pre").textContent })),
    );
    assert.ok(component.length > 2);
    assert.deepEqual(shown, component);
    await page.getByRole("button", { name: "Copy kustomization.yaml", exact: true }).click();
    await page.getByText("kustomization.yaml is in the clipboard.").waitFor();
    const kustomization = component.find(({ path }) => path === "kustomization.yaml").text;
    assert.match(kustomization, /^kind: Component$/m);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), kustomization);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download kustomization.yaml", exact: true }).click(),
    ]);
    assert.equal(file.suggestedFilename(), "kustomization.yaml");
    assert.equal(readFileSync(await file.path(), "utf8"), kustomization);
    await view(page, "Changes").click();
    await diffAfter(page).waitFor();
    assert.equal(await page.locator("#exported").isVisible(), false);
  }));

test("what changes is exported for a HelmRelease, and follows the form", () =>
  withPage(started, {}, async (page) => {
    await view(page, "Export").click();
    await page.getByLabel("For", { exact: true }).selectOption({ label: "Flux HelmRelease" });
    const lines = page.getByRole("article", { name: "helmrelease-patch.yaml" }).locator("pre");
    assert.match(await lines.textContent(), /^spec:\n {2}postRenderers:\n/);
    await page.getByRole("article", { name: "kustomization.yaml" }).getByText("kind: Kustomization").waitFor();
    await page.getByLabel("listenPort", { exact: true }).fill("9999");
    await lines.filter({ hasText: "9999" }).waitFor();
  }));

test("what cannot be exported is said, and Secrets are included on request", () =>
  withPage(started, {}, async (page) => {
    await view(page, "Export").click();
    const exported = page.locator("#exported");
    await page.getByLabel("Example").selectOption({ label: "The chart with three replicas, which is refused" });
    await exported.getByText("Nothing is exported").waitFor();
    await exported.getByText(/spec\.replicas/).waitFor();

    await page.getByLabel("advertiseAddress", { exact: true }).fill("terminal.example.com");
    await paste(page, "Manifests", SECRET);
    await exported.getByText(/holds data that would be copied/).waitFor();
    await page.getByLabel("Include the data of Secrets").check();
    await exported.locator("h3").getByText(/^secret-/).waitFor();

    await paste(page, "Manifests", "a: [");
    await exported.getByText("Nothing is exported").waitFor();
    await paste(page, "Manifests", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n");
    await exported.getByText("Nothing is exported").waitFor();
  }));

test("a relay is set up in the form, with how GitLab reaches it", () =>
  withPage(started, {}, async (page) => {
    const field = (name) => page.locator(`[id="SessionServer.exposure.${name}"]`);
    const yaml = page.getByRole("textbox", { name: "SessionServer as YAML" });
    await page.getByLabel("When", { exact: true }).selectOption("PodStart");
    await page.getByLabel("image", { exact: true }).first().fill("registry.example.com/runner-terminal:0.2.0");
    await field("type").selectOption("Relay");
    await field("host").fill("{pod}.terminals.example.com");
    await field("relay.namespace").fill("runner-terminal");
    await page.getByText("Deployment runner-terminal/runner-terminal-relay", { exact: true }).first().waitFor();
    assert.equal(await field("relay.exposure.type").inputValue(), "LoadBalancer");
    await field("relay.exposure.type").selectOption("Ingress");
    await field("relay.exposure.controller").selectOption("haproxy");
    await page.getByText("Ingress runner-terminal/runner-terminal-relay", { exact: true }).first().waitFor();
    await yaml.getByText("haproxy").waitFor();
    await field("relay.exposure.type").selectOption("ClusterIP");
    await field("relay.exposure.controller").waitFor({ state: "detached" });
    await yaml.getByText("ClusterIP").waitFor();
    await yaml.getByText("runner-terminal:0.2.0").waitFor();
    assert.equal(await field("relay.namespace").inputValue(), "runner-terminal");
  }));

test("the example with a relay is served", () =>
  withPage(started, {}, async (page) => {
    await page.getByLabel("Example").selectOption({ label: "An autoscaler, and one relay in front of all pods" });
    await page.getByText("Deployment runner-terminal/runner-terminal-relay", { exact: true }).first().waitFor();
    assert.equal(await page.locator('[id="SessionServer.exposure.type"]').inputValue(), "Relay");
    assert.equal(await page.locator('[id="SessionServer.exposure.relay.namespace"]').inputValue(), "runner-terminal");
    assert.equal(await page.locator("#results .error").count(), 0);
  }));

test("the theme is the system's until it is chosen, and the choice stays", () =>
  withPage(started, { colorScheme: "dark" }, async (page, context) => {
    const background = (of) => of.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background(page);
    await page.getByRole("button", { name: "Switch to light theme", exact: true }).click();
    const light = await background(page);
    assert.notEqual(light, dark);
    await page.getByRole("button", { name: "Switch to dark theme", exact: true }).waitFor();
    assert.equal(await background(await open(context, started.server.url)), light);
  }));
