// urql with its normalised cache: resolvers and updates read the schema, lists are merged by relayPagination.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { getIntrospectionQuery } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, live, until, url, watch } from "./kedang.mjs";

const PAGE = gql`
  query Page($first: Int!, $after: String) {
    customers(first: $first, after: $after, orderBy: [{ field: NUMBER }], where: { number: { isNull: false } }) {
      edges { cursor node { id number name } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;
const CREATE = gql`
  mutation Create($input: CreateCustomerInput!) {
    createCustomer(input: $input) { record { id version name city } userErrors { path message code } }
  }
`;
const UPDATE = gql`
  mutation Update($input: UpdateCustomerInput!) {
    updateCustomer(input: $input) { record { id version city } userErrors { path message code } }
  }
`;
const ONE = gql`query One($id: ID!) { customer(id: $id) { id name city } }`;

const socket = createClient({ url: live, webSocketImpl: WebSocket, connectionParams: { authorization } });
after(() => socket.dispose());

function connect({ schema, preferGetMethod = false } = {}) {
  const cache = cacheExchange({ schema, resolvers: { Query: { customers: relayPagination() } } });
  const fetchOptions = { headers: { authorization } };
  const subscriptions = subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    }),
  });
  return new Client({ url, fetchOptions, preferGetMethod, exchanges: [cache, fetchExchange, subscriptions] });
}

test("pages of a connection become one list", async () => {
  const bare = connect();
  const { data: schema } = await bare.query(gql(getIntrospectionQuery()), {}).toPromise();
  const client = connect({ schema });
  let after = null;
  for (let page = 1; page <= 3; page += 1) {
    const { data, error } = await client.query(PAGE, { first: 40, after }).toPromise();
    assert.equal(error, undefined);
    after = data.customers.pageInfo.endCursor;
  }
  const { data } = client.readQuery(PAGE, { first: 40, after });
  const numbers = data.customers.edges.map((edge) => edge.node.number);
  assert.equal(numbers.length, 91);
  assert.deepEqual(numbers, [...new Set(numbers)].sort());
  assert.equal(data.customers.nodes.length, 91);
  assert.equal(data.customers.pageInfo.hasNextPage, false);
});

test("a change is seen by everything that shows the record", async () => {
  const client = connect();
  const made = await client.mutation(CREATE, { input: { name: "Urql Provisions", city: "Oslo" } }).toPromise();
  assert.deepEqual(made.data.createCustomer.userErrors, []);
  const { id, version } = made.data.createCustomer.record;
  const cities = [];
  const { unsubscribe } = client.query(ONE, { id }).subscribe(({ data }) => cities.push(data.customer.city));
  await until(() => cities.length === 1, "the customer");
  await client.mutation(UPDATE, { input: { id, version, city: "Bergen" } }).toPromise();
  await until(() => cities.length === 2, "the changed customer");
  unsubscribe();
  assert.deepEqual(cities, ["Oslo", "Bergen"]);
});

test("a query goes by GET where a client prefers it", async () => {
  const client = connect({ preferGetMethod: "force" });
  const { data, error } = await client.query(PAGE, { first: 2 }).toPromise();
  assert.equal(error, undefined);
  assert.deepEqual(data.customers.edges.map((edge) => edge.node.number), ["ALFKI", "ANATR"]);
});

test("refusals are data, errors of a request arrive with their codes", async () => {
  const client = connect();
  const refused = await client.mutation(CREATE, { input: { name: "" } }).toPromise();
  assert.deepEqual(refused.data.createCustomer.userErrors.map((error) => error.path), [["input", "name"]]);
  for (const [variables, code] of [
    [{ first: 3, after: "nowhere" }, "BAD_CURSOR"],
    [{ first: "three" }, "GRAPHQL_VALIDATION_FAILED"],
  ]) {
    const { error } = await client.query(PAGE, variables).toPromise();
    assert.deepEqual(error.graphQLErrors.map((one) => one.extensions.code), [code]);
  }
});

test("a change is told over the socket, and what shows the record shows it", async () => {
  const client = connect();
  const made = await client.mutation(CREATE, { input: { name: "Urql Sockets", city: "Oslo" } }).toPromise();
  const { id } = made.data.createCustomer.record;
  const cities = [];
  const shown = client.query(ONE, { id }).subscribe(({ data }) => cities.push(data.customer.city));
  await until(() => cities.length === 1, "the customer");
  const query = gql`subscription ($ids: [ID!]) { customerChanges(ids: $ids, actions: [UPDATED]) { action customer { id name city } } }`;
  const told = watch((sink) => {
    const { unsubscribe } = client.subscription(query, { ids: [id] }).subscribe(sink.next);
    return unsubscribe;
  });
  const elsewhere = connect();
  const { data } = await told.first(() =>
    elsewhere.mutation(UPDATE, { input: { id, city: `Bergen ${Date.now()}` } }).toPromise(),
  );
  assert.equal(data.customerChanges.action, "UPDATED");
  await until(() => /^Bergen /.test(cities.at(-1)), "the changed customer");
  told.end();
  shown.unsubscribe();
});
