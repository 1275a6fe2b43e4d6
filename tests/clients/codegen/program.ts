// What somebody writes with the generated types.

import { Client } from "@urql/core";
import { InstallDocument, MachinesDocument } from "./generated.js";

export async function count(client: Client): Promise<number> {
  const where = { customFields: { machines: { gte: 2 } } };
  const { data } = await client.query(MachinesDocument, { first: 3, where });
  const numbers: (number | null)[] = (data?.customers.nodes ?? []).map((customer) => customer.custom.machines);
  return numbers.reduce<number>((sum, machines) => sum + (machines ?? 0), 0);
}

export async function install(client: Client, name: string, machines: number): Promise<string | undefined> {
  const { data } = await client.mutation(InstallDocument, { input: { name, custom: { machines } } });
  return data?.createCustomer.record?.id;
}
