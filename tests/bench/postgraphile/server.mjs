// PostGraphile 5 over a company's schema, doing the same work as the gateway: a bearer looked up in memory, a
// transaction with the company's role and search_path, archived rows left out, and customers of the asker's department
// only. The scope is a condition bound as a parameter, which is cheaper for PostgreSQL than row-level security.
import { createServer } from "node:http";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { context } from "postgraphile/grafast";
import { TYPES, listOfCodec } from "postgraphile/@dataplan/pg";
import { wrapPlans } from "postgraphile/utils";

const { BENCH_DATABASE, BENCH_SCHEMA, BENCH_ROLE, BENCH_POOL, BENCH_BEARER, BENCH_MEMBERS } = process.env;
const bearers = new Map([[BENCH_BEARER, { role: BENCH_ROLE, schema: BENCH_SCHEMA, members: BENCH_MEMBERS.split(",") }]]);

const memberIds = listOfCodec(TYPES.uuid);

const RowScope = wrapPlans((build) => {
  const { sql } = build;
  const living = (rows) => rows.where(sql`${rows}.archived_at is null`);
  const ours = (rows) => {
    const members = rows.placeholder(context().get("members"), memberIds);
    rows.where(sql`${rows}.owner_id = any(${members})`);
  };
  const rowsOf = (plan) => (plan.getSubplan ? plan.getSubplan() : plan);
  return {
    Query: {
      customerByRowId(plan) {
        const found = plan();
        ours(found.getClassStep());
        return found;
      },
      allCustomers(plan) {
        const found = plan();
        living(rowsOf(found));
        ours(rowsOf(found));
        return found;
      },
    },
    Customer: {
      contactsByCustomerId(plan) {
        const found = plan();
        living(rowsOf(found));
        return found;
      },
    },
  };
});


const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [RowScope],
  disablePlugins: ["PgRBACPlugin", "PgIndexBehaviorsPlugin", "PgFakeConstraintsPlugin"],
  gather: { pgIdentifiers: "unqualified" },
  pgServices: [
    makePgService({
      connectionString: BENCH_DATABASE,
      schemas: [BENCH_SCHEMA],
      poolConfig: { max: Number(BENCH_POOL) },
    }),
  ],
  grafast: {
    explain: false,
    context(request) {
      const bearer = request.node.req.headers.authorization?.slice("Bearer ".length);
      const asker = bearers.get(bearer);
      if (asker === undefined) throw new Error("Unknown bearer");
      return { pgSettings: { role: asker.role, search_path: asker.schema }, members: asker.members };
    },
  },
  grafserv: { graphiql: false, watch: false, websockets: false },
};

const pgl = postgraphile(preset);
const server = createServer();
server.keepAliveTimeout = 60_000;
await pgl.createServ(grafserv).addTo(server);
await pgl.getSchemaResult();
server.listen(Number(process.argv[2]), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
