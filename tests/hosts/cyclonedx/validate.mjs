// Validates bills of materials against CycloneDX's schema:
//
//     node tests/hosts/cyclonedx/validate.mjs FILE…
//
// Prints what is wrong, and exits with 1, if anything is.

import { readFile } from "node:fs/promises";
import { Validation } from "@cyclonedx/cyclonedx-library";

let wrong = 0;
for (const file of process.argv.slice(2)) {
  const text = await readFile(file, "utf8");
  const validator = new Validation.JsonStrictValidator(JSON.parse(text).specVersion);
  const errors = await validator.validate(text);
  if (errors !== null) {
    wrong += 1;
    console.error(`${file}: ${JSON.stringify(errors, null, 2)}`);
  }
}
process.exitCode = wrong === 0 ? 0 : 1;
