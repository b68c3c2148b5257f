/** Write down which sources the built files were made of: a test compares, so that neither is changed alone. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOTS = [
  "index.html",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "vite.config.ts",
  "public",
  "src",
  "dist",
];
const SEAL = "dist/SOURCES.sha256";

function filesOf(path) {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((one) => filesOf(join(path, one.name)));
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
}

const lines = ROOTS.flatMap(filesOf)
  .filter((path) => path !== SEAL)
  .sort()
  .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${path}`);
writeFileSync(SEAL, `${lines.join("\n")}\n`);
