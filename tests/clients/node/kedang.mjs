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

/**
 * What a subscription tells. `first(change)` has `change` made again and again until the first change is told: protocols
 * do not say when a subscription has begun. `open` gets a sink and returns what ends the subscription.
 */
export function watch(open) {
  const told = [];
  let failed;
  const ended = open({
    next: (value) => told.push(value),
    error: (error) => (failed = error),
    complete: () => {},
  });
  return {
    async first(change, seconds = 20) {
      const deadline = Date.now() + seconds * 1000;
      while (told.length === 0 && Date.now() < deadline) {
        await change();
        await until(() => told.length > 0 || failed, "a change to be told", 1).catch(() => {});
        if (failed) throw failed;
      }
      if (told.length === 0) throw new Error(`nothing was told within ${seconds} seconds`);
      return told[0];
    },
    end: () => (ended.unsubscribe ? ended.unsubscribe() : ended()),
  };
}
