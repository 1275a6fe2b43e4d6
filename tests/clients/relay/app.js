// What a Relay application asks: fragments, a connection to page through, a refetchable one below a record, changes of lists.
// relay-compiler reads the documents out of this file; nothing here runs.

import { graphql } from "relay-runtime";

graphql`
  query appListQuery($first: Int!, $after: String) {
    ...appList_customers @arguments(first: $first, after: $after)
    member: me { person { name } }
  }
`;

graphql`
  fragment appList_customers on Query
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
  @refetchable(queryName: "appListPaginationQuery") {
    customers(first: $first, after: $after, orderBy: [{ field: NUMBER }], where: { number: { isNull: false } })
      @connection(key: "appList_customers", filters: ["orderBy", "where"]) {
      edges { node { id number ...appCustomer_customer } }
    }
  }
`;

graphql`
  fragment appCustomer_customer on Customer { name city }
`;

graphql`
  fragment appContacts_customer on Customer
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "appContactsPaginationQuery") {
    contacts(last: $count, before: $cursor, orderBy: [{ field: NAME }]) @connection(key: "appContacts_contacts", filters: []) {
      totalCount
      edges { node { id name } }
    }
  }
`;

graphql`
  query appCustomerQuery($id: ID!) {
    node(id: $id) {
      __typename
      ...appCustomer_customer @alias(as: "customer")
      ...appContacts_customer @alias(as: "contacts")
    }
  }
`;

graphql`
  mutation appCreateContactMutation($input: CreateContactInput!, $connections: [ID!]!) {
    createContact(input: $input) {
      record @appendNode(connections: $connections, edgeTypeName: "ContactEdge") { id name }
      userErrors { path code }
    }
  }
`;

graphql`
  mutation appRenameMutation($input: UpdateCustomerInput!) {
    updateCustomer(input: $input) {
      record { id ...appCustomer_customer }
      userErrors { path message code }
    }
  }
`;
