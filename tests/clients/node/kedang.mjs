// The gateway under test, as tests/clients/conftest.py tells it to a client's process.

export const url = process.env.KEDANG_CLIENTS_URL;
export const live = `${url.replace(/^http/, "ws")}/ws`;
export const authorization = `Bearer ${process.env.KEDANG_CLIENTS_KEY}`;

/** What `look` finds, asked again every 50 ms until it finds something; fails after `seconds`. */
export async function until(look, what, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${seconds} seconds in vain for ${what}`);
}
