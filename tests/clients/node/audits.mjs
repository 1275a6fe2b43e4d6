// graphql-http's audits of GraphQL over HTTP; prints each with what came of it, as JSON.

import { serverAudits } from "graphql-http";
import { authorization, url } from "./kedang.mjs";

const signed = (address, options = {}) =>
  fetch(address, { ...options, headers: { ...options.headers, authorization } });

const results = [];
for (const audit of serverAudits({ url, fetchFn: signed })) {
  const { status, reason } = await audit.fn();
  results.push({ name: audit.name, status, reason });
}
console.log(JSON.stringify(results));
