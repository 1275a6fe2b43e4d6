import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./page.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const WELCOME = `# Requests use the session of this browser if you are signed in here.
# With an API key instead, put this under "Headers" below:
#   { "Authorization": "Bearer <key>" }
#
# Ctrl-Space completes, Ctrl-Enter runs. The guide of the API, with an example
# for everything, is docs/api/README.md (中文: docs/api/zh-CN/README.md).

{
  __typename
}
`;

// Same origin only: the session cookie goes along, and nothing is asked of any other host.
const live = `${location.origin.replace(/^http/, "ws")}/graphql/ws`;
const fetcher = createGraphiQLFetcher({ url: "/graphql", subscriptionUrl: live });

const place = document.getElementById("graphiql");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <GraphiQL
        fetcher={fetcher}
        defaultQuery={WELCOME}
        defaultEditorToolsVisibility="headers"
        shouldPersistHeaders
      />
    </StrictMode>,
  );
}
