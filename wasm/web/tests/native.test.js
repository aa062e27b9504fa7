// On every fixture the package gives the same output as the native function, byte for byte.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { RunnerTerminalError, exportFiles, run, transform } from "runner-terminal";

import { FOLDERS, fixtures, isList, launcher, native, read } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "runner-terminal-web-"));
after(() => rmSync(folder, { recursive: true }));

test("every folder of fixtures is here", () => {
  const found = readdirSync(fixtures, { withFileTypes: true });
  const folders = found.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  assert.deepEqual(folders.sort(), FOLDERS);
  for (const folder of FOLDERS) assert.notEqual(read(folder).length, 0, `${folder} is empty`);
});

/** Runs a program, which has to start, and returns its exit code, output and messages. */
function spawn(program, words, input) {
  const ran = spawnSync(program, words, {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, KUBECONFIG: join(folder, "none") },
  });
  if (ran.error) throw ran.error;
  return ran;
}

for (const name of FOLDERS) {
  describe(name, () => {
    for (const { name: file, text } of read(name)) {
      test(`${file} as a ResourceList`, () => {
        const expected = spawn(native, [], text);
        assert.deepEqual(run(text), {
          output: expected.stdout,
          report: expected.stderr,
          failed: expected.status !== 0,
        });
      });
      if (!isList(text)) {
        test(`${file} as manifests`, () => compareManifests(text));
        test(`${file} as files`, () => compareExport(text));
      }
    }
  });
}

function compareExport(text) {
  const path = join(folder, "manifests.yaml");
  writeFileSync(path, text);
  const out = (name) => join(folder, name);
  for (const name of ["component", "release"]) rmSync(out(name), { recursive: true, force: true });
  const component = spawn(launcher, ["export", path, "-o", out("component")]);
  const release = spawn(launcher, ["export", path, "--for", "flux-helmrelease", "-o", out("release")]);
  let exported;
  try {
    exported = exportFiles([{ path, text }]);
  } catch (error) {
    assert(error instanceof RunnerTerminalError, error);
    assert.notEqual(component.status, 0, error.message);
    return;
  }
  assert.equal(exported.problem !== "", component.status !== 0, component.stderr);
  for (const line of exported.problem.split("\n")) assert(component.stderr.includes(line), component.stderr);
  assert.deepEqual(byPath(exported.component), written(out("component")));
  assert.deepEqual(byPath(exported.helmRelease.files), written(out("release")));
  if (exported.helmRelease.lines !== "") assert.equal(exported.helmRelease.lines, release.stdout);
}

function byPath(files) {
  return Object.fromEntries(files.map(({ path, text }) => [path, text]));
}

/** The files of a folder, which does not exist if nothing was written. */
function written(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function compareManifests(text) {
  const path = join(folder, "manifests.yaml");
  writeFileSync(path, text);
  const expected = spawn(launcher, ["apply-to", "--in-place", path]);
  const files = [{ path, text }];
  let transformed;
  try {
    transformed = transform(files);
  } catch (error) {
    assert(error instanceof RunnerTerminalError, error);
    assert.notEqual(expected.status, 0, error.message);
    assert(expected.stderr.includes(error.message), `${error.message}\n${expected.stderr}`);
    return;
  }
  assert.deepEqual(transformed.manifests, [{ path, text: readFileSync(path, "utf8") }]);
  assert.equal(transformed.failed, expected.status !== 0, expected.stderr);
  for (const { message } of transformed.results) {
    assert(expected.stderr.includes(message), `${message}\n${expected.stderr}`);
  }
}
