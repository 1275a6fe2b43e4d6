// Apollo Client: a normalised cache over ids and __typename, connections merged by relayStylePagination.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import { OperationTypeNode } from "graphql";
import WebSocket from "ws";
import { authorization, live, until, url, watch } from "./kedang.mjs";

const PAGE = gql`
  query Page($first: Int!, $after: String) {
    customers(first: $first, after: $after, orderBy: [{ field: NUMBER }], where: { number: { isNull: false } }) {
      totalCount
      edges { cursor node { id number name } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const ONE = gql`
  query One($id: ID!) {
    customer(id: $id) { id name city contacts(first: 1) { nodes { id name customer { id name } } } }
  }
`;
const CREATE = gql`
  mutation Create($input: CreateCustomerInput!) {
    createCustomer(input: $input) { record { id version name city } userErrors { path message code } }
  }
`;
const UPDATE = gql`
  mutation Update($input: UpdateCustomerInput!) {
    updateCustomer(input: $input) { record { id version name city } userErrors { path message code } }
  }
`;

const opened = [];
function connect() {
  const cache = new InMemoryCache({
    possibleTypes: { Node: ["Customer", "Contact"] },
    typePolicies: { Query: { fields: { customers: relayStylePagination(["where", "orderBy"]) } } },
  });
  const socket = createClient({ url: live, webSocketImpl: WebSocket, connectionParams: { authorization } });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers: { authorization } }),
  );
  const client = new ApolloClient({ cache, link });
  opened.push(client, { stop: () => socket.dispose() });
  return client;
}
after(() => Promise.all(opened.map((one) => one.stop())));

test("pages of a connection become one list", async () => {
  const client = connect();
  const watched = client.watchQuery({ query: PAGE, variables: { first: 40 } });
  let length;
  const shown = watched.subscribe(({ data }) => {
    length = data?.customers.edges.length;
  });
  await client.query({ query: PAGE, variables: { first: 40 } });
  const pageInfo = () => client.readQuery({ query: PAGE, variables: { first: 40 } }).customers.pageInfo;
  for (let page = 2; pageInfo().hasNextPage; page += 1) {
    assert.ok(page <= 3);
    await watched.fetchMore({ variables: { after: pageInfo().endCursor } });
  }
  await until(() => length === 91, "the third page to be shown");
  shown.unsubscribe();
  const { customers } = client.readQuery({ query: PAGE, variables: { first: 40 } });
  const numbers = customers.edges.map((edge) => edge.node.number);
  assert.equal(customers.totalCount, 91);
  assert.deepEqual(numbers, [...new Set(numbers)].sort());
});

test("a change is seen by everything that shows the record", async () => {
  const client = connect();
  const made = await client.mutate({ mutation: CREATE, variables: { input: { name: "Apollo Provisions", city: "Oslo" } } });
  const { record, userErrors } = made.data.createCustomer;
  assert.deepEqual(userErrors, []);
  const watched = client.watchQuery({ query: ONE, variables: { id: record.id } });
  const cities = [];
  const seen = new Promise((resolve) => {
    watched.subscribe(({ data }) => {
      if (data?.customer) cities.push(data.customer.city);
      if (cities.at(-1) === "Bergen") resolve();
    });
  });
  await client.query({ query: ONE, variables: { id: record.id } });
  const input = { id: record.id, version: record.version, city: "Bergen" };
  await client.mutate({ mutation: UPDATE, variables: { input } });
  await seen;
  assert.deepEqual(cities, ["Oslo", "Bergen"]);
});

test("a refusal is data, with the path into the input", async () => {
  const client = connect();
  const { data } = await client.mutate({ mutation: CREATE, variables: { input: { name: "" } } });
  assert.equal(data.createCustomer.record, null);
  assert.deepEqual(data.createCustomer.userErrors.map((error) => error.path), [["input", "name"]]);
});

test("errors of a request arrive with their codes", async () => {
  const client = connect();
  const failed = await client
    .query({ query: PAGE, variables: { first: 3, after: "nowhere" } })
    .then(assert.fail, (error) => error);
  assert.ok(CombinedGraphQLErrors.is(failed), String(failed));
  assert.deepEqual(failed.errors.map((error) => [error.path, error.extensions.code]), [[["customers"], "BAD_CURSOR"]]);

  const unknown = await client.query({ query: gql`{ nosuch }` }).then(assert.fail, (error) => error);
  assert.ok(CombinedGraphQLErrors.is(unknown), String(unknown));
  assert.deepEqual(unknown.errors.map((error) => error.extensions.code), ["GRAPHQL_VALIDATION_FAILED"]);

  const { data } = await client.query({ query: PAGE, variables: { first: 1 } });
  const partly = await client.query({
    query: gql`
      query Partly($id: ID!, $after: String) {
        customer(id: $id) { id contacts(after: $after) { totalCount } }
        tags { totalCount }
      }
    `,
    variables: { id: data.customers.edges[0].node.id, after: "nowhere" },
    errorPolicy: "all",
  });
  assert.ok(CombinedGraphQLErrors.is(partly.error), String(partly.error));
  assert.deepEqual(partly.error.errors.map((error) => error.path), [["customer"]]);
  assert.deepEqual(partly.data, { customer: null, tags: { __typename: "TagConnection", totalCount: 0 } });
});

test("a change is told over the socket, and what shows the record shows it", async () => {
  const client = connect();
  const made = await client.mutate({ mutation: CREATE, variables: { input: { name: "Apollo Sockets", city: "Oslo" } } });
  const { id } = made.data.createCustomer.record;
  await client.query({ query: ONE, variables: { id } });
  const query = gql`subscription ($ids: [ID!]) { customerChanges(ids: $ids, actions: [UPDATED]) { action customer { id name city } } }`;
  const told = watch((sink) => client.subscribe({ query, variables: { ids: [id] } }).subscribe(sink));
  let cities = 0;
  const { data } = await told.first(() =>
    fetch(url, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({
        query: "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code } } }",
        variables: { input: { id, city: `Bergen ${(cities += 1)}` } },
      }),
    }),
  );
  told.end();
  assert.equal(data.customerChanges.action, "UPDATED");
  assert.match(data.customerChanges.customer.city, /^Bergen /);
  assert.match(client.readQuery({ query: ONE, variables: { id } }).customer.city, /^Bergen /);
});
