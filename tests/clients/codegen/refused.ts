// What the generated types do not let anybody write; nothing here runs.

import { Client } from "@urql/core";
import { InstallDocument, MachinesDocument } from "./generated.js";

export async function mistakes(client: Client): Promise<void> {
  const { data } = await client.query(MachinesDocument, { first: 3 });
  // @ts-expect-error: a name is no number
  const number: number | undefined = data?.customers.nodes[0]?.name;
  // @ts-expect-error: this was not asked for
  console.log(number, data?.customers.nodes[0]?.city);
  // @ts-expect-error: a page has a size
  await client.query(MachinesDocument, {});
  // @ts-expect-error: a customer has a name
  await client.mutation(InstallDocument, { input: { custom: { machines: 3 } } });
  // @ts-expect-error: the company has no such field
  await client.mutation(InstallDocument, { input: { name: "A", custom: { nosuch: 3 } } });
  // @ts-expect-error: a whole number is asked for
  await client.mutation(InstallDocument, { input: { name: "A", custom: { machines: "three" } } });
}
