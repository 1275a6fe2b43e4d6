// graphql-codegen makes types of the company's own schema, with the company's own fields in it; tsc holds a program to them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { after, test } from "node:test";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import * as documents from "@graphql-codegen/typed-document-node";
import { Client, fetchExchange } from "@urql/core";
import { parse } from "graphql";
import { authorization, url } from "./kedang.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kedang-codegen-"));
const plugins = { operations, documents };
const scalars = { Date: "string", WholeNumber: "number" };
const ask = async (query) => {
  const headers = { authorization, "content-type": "application/json" };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) })).json();
};

after(() => rmSync(folder, { recursive: true }));

test("a program is held to the types of the company's own fields", async () => {
  const before = await fetch(`${url}/schema.graphql`, { headers: { authorization } });
  const { data } = await ask(`mutation {
    createCustomField(input: {record: "customer", key: "machines", kind: INTEGER, label: {en: "Machines"}}) {
      userErrors { path code }
    }
  }`);
  assert.deepEqual(data.createCustomField.userErrors, []);
  const tag = before.headers.get("etag");
  const answer = await fetch(`${url}/schema.graphql`, { headers: { authorization, "if-none-match": tag } });
  assert.equal(answer.status, 200);
  const again = { authorization, "if-none-match": answer.headers.get("etag") };
  assert.equal((await fetch(`${url}/schema.graphql`, { headers: again })).status, 304);

  cpSync(here("../codegen"), folder, { recursive: true });
  symlinkSync(here("../node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  const text = readFileSync(join(folder, "documents.graphql"), "utf8");
  const generated = await codegen({
    filename: "generated.ts",
    schema: parse(await answer.text()),
    documents: [{ location: "documents.graphql", document: parse(text) }],
    config: { scalars, strictScalars: false, useTypeImports: true },
    plugins: [{ operations: {} }, { documents: {} }],
    pluginMap: plugins,
  });
  writeFileSync(join(folder, "generated.ts"), generated);
  const compiled = spawnSync(here("../node_modules/.bin/tsc"), ["--project", folder], { encoding: "utf8" });
  assert.equal(compiled.stdout, "");
  assert.equal(compiled.status, 0);
  const { count, install } = await import(pathToFileURL(join(folder, "built", "program.js")));
  const client = new Client({ url, fetchOptions: { headers: { authorization } }, exchanges: [fetchExchange] });
  for (const machines of [1, 2, 3]) assert.match(await install(client, `Codegen ${machines}`, machines), /^cus_/);
  assert.equal(await count(client), 5);
});
