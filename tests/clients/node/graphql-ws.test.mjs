// graphql-ws, the reference client of graphql-transport-ws: subscriptions, and queries and changes on the same socket.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, live, watch } from "./kedang.mjs";

const CREATE = `
  mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id version } userErrors { code } } }`;
const UPDATE = `
  mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { record { id } userErrors { code } } }`;
const CHANGES = `
  subscription ($ids: [ID!], $actions: [ChangeAction!]) {
    customerChanges(ids: $ids, actions: $actions) { action id sequence changed customer { name city } }
  }`;

const opened = [];
function connect(connectionParams = { authorization }) {
  const client = createClient({ url: live, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
  opened.push(client);
  return client;
}
after(() => Promise.all(opened.map((client) => client.dispose())));

const ask = (client, query, variables) =>
  new Promise((resolve, reject) => {
    let result;
    client.subscribe({ query, variables }, { next: (value) => (result = value), error: reject, complete: () => resolve(result) });
  });

test("a change is told to who watches the record", async () => {
  const client = connect();
  const made = await ask(client, CREATE, { input: { name: "Socket Provisions", city: "Oslo" } });
  const { id } = made.data.createCustomer.record;
  const told = watch((sink) => client.subscribe({ query: CHANGES, variables: { ids: [id], actions: ["UPDATED"] } }, sink));
  let city = 0;
  const { data } = await told.first(() => ask(client, UPDATE, { input: { id, city: `Bergen ${(city += 1)}` } }));
  const { action, changed, customer, sequence } = data.customerChanges;
  assert.equal(data.customerChanges.id, id);
  assert.equal(action, "UPDATED");
  assert.deepEqual(changed, ["city"]);
  assert.equal(customer.name, "Socket Provisions");
  assert.match(customer.city, /^Bergen /);
  assert.match(sequence, /^\d+$/);
  told.end();
});

test("a query goes over the socket, and what is wrong with one ends only it", async () => {
  const client = connect();
  const wrong = await ask(client, "{ nosuch }").then(assert.fail, (errors) => errors);
  assert.deepEqual(wrong.map((error) => error.extensions.code), ["GRAPHQL_VALIDATION_FAILED"]);
  const { data } = await ask(client, '{ customers(where: {number: {eq: "ALFKI"}}) { nodes { name } } }');
  assert.deepEqual(data.customers.nodes, [{ name: "Alfreds Futterkiste" }]);
});

test("who shows no valid key is not let in", async () => {
  for (const params of [{}, { authorization: "Bearer nobody" }]) {
    const closed = await ask(connect(params), "{ __typename }").then(assert.fail, (event) => event);
    assert.equal(closed.code, 4403);
  }
});
