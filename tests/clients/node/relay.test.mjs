// Relay: its compiler takes our schema by its conventions (Node, connections), its runtime runs what that made.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import relay from "relay-runtime";
import { authorization, url } from "./kedang.mjs";

const { ConnectionHandler, Environment, Network, RecordSource, Store, commitMutation, fetchQuery } = relay;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kedang-relay-"));
const compiled = (name) => createRequire(import.meta.url)(join(folder, "__generated__", `${name}.graphql.js`));

async function ask({ text }, variables) {
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
  return answer.json();
}

const connect = () => new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
const send = (environment, query, variables) => fetchQuery(environment, compiled(query), variables).toPromise();
const change = (environment, mutation, variables) =>
  new Promise((onCompleted, onError) =>
    commitMutation(environment, { mutation: compiled(mutation), variables, onCompleted, onError }),
  );

/** What a record of the store says of a connection: the values of a field of its nodes. */
function shown(environment, id, key, field, filters) {
  let values;
  environment.commitUpdate((store) => {
    const connection = ConnectionHandler.getConnection(store.get(id), key, filters);
    values = connection.getLinkedRecords("edges").map((edge) => edge.getLinkedRecord("node").getValue(field));
  });
  return values;
}

before(async () => {
  cpSync(here("../relay"), folder, { recursive: true });
  const schema = await fetch(`${url}/schema.graphql`, { headers: { authorization } });
  writeFileSync(join(folder, "schema.graphql"), await schema.text());
  mkdirSync(join(folder, "__generated__"));
  const compiler = here("../node_modules/.bin/relay-compiler");
  execFileSync(compiler, ["--noWatchman", "--output", "quiet-with-errors"], { cwd: folder });
});
after(() => rmSync(folder, { recursive: true }));

test("the compiler takes the schema and every document", () => {
  const documents = readdirSync(join(folder, "__generated__"));
  assert.deepEqual(documents.sort(), [
    "appContactsPaginationQuery.graphql.js",
    "appContacts_customer.graphql.js",
    "appCreateContactMutation.graphql.js",
    "appCustomerQuery.graphql.js",
    "appCustomer_customer.graphql.js",
    "appListPaginationQuery.graphql.js",
    "appListQuery.graphql.js",
    "appList_customers.graphql.js",
    "appRenameMutation.graphql.js",
  ]);
});

test("a connection is paged through", async () => {
  const environment = connect();
  const filters = { orderBy: [{ field: "NUMBER" }], where: { number: { isNull: false } } };
  const numbers = () => shown(environment, "client:root", "appList_customers", "number", filters);
  await send(environment, "appListQuery", { first: 50 });
  assert.equal(numbers().length, 50);
  let after;
  environment.commitUpdate((store) => {
    const connection = ConnectionHandler.getConnection(store.getRoot(), "appList_customers", filters);
    after = connection.getLinkedRecord("pageInfo").getValue("endCursor");
  });
  await send(environment, "appListPaginationQuery", { first: 50, after });
  assert.equal(numbers().length, 91);
  assert.deepEqual(numbers(), [...new Set(numbers())].sort());
});

test("a record is asked for again by its id, its connection backwards, and grows by what is created", async () => {
  const environment = connect();
  const { customers } = await ask({ text: '{ customers(first: 1, where: {number: {eq: "ALFKI"}}) { nodes { id } } }' }).then(({ data }) => data);
  const { id } = customers.nodes[0];
  const first = await send(environment, "appCustomerQuery", { id });
  assert.equal(first.node.__typename, "Customer");
  let connection;
  environment.commitUpdate((store) => {
    connection = ConnectionHandler.getConnection(store.get(id), "appContacts_contacts").getDataID();
  });
  const input = { customerId: id, name: "Relay Zimmer" };
  const made = await change(environment, "appCreateContactMutation", { input, connections: [connection] });
  assert.deepEqual(made.createContact.userErrors, []);
  const names = () => shown(environment, id, "appContacts_contacts", "name");
  assert.deepEqual(names(), ["Maria Anders", "Relay Zimmer"]);
  await send(environment, "appContactsPaginationQuery", { id, count: 1, cursor: null });
  assert.deepEqual(names(), ["Relay Zimmer"]);
});

test("a change is seen in the store under the same id; a refusal is data", async () => {
  const environment = connect();
  const { data } = await ask({ text: 'mutation { createCustomer(input: {name: "Relay Provisions", city: "Oslo"}) { record { id } } }' });
  const { id } = data.createCustomer.record;
  const city = () => environment.getStore().getSource().get(id).city;
  await send(environment, "appCustomerQuery", { id });
  assert.equal(city(), "Oslo");
  const refused = await change(environment, "appRenameMutation", { input: { id, name: "" } });
  assert.deepEqual(refused.updateCustomer.userErrors.map((error) => error.path), [["input", "name"]]);
  await change(environment, "appRenameMutation", { input: { id, city: "Bergen" } });
  assert.equal(city(), "Bergen");
});
