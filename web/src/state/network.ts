// What browsers say of the network under the page.

/** Of https://wicg.github.io/netinfo/; browsers on desks have neither the type nor, some, the rest. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

/** Calls back when the page is on another network than before, as far as the browser tells. */
export function onNetworkChange(listener: () => void): void {
  addEventListener('online', listener);
  const { connection } = navigator as { connection?: NetworkInformation };
  let type = connection?.type;
  // Its estimates of the speed change all the time, and mean nothing here.
  connection?.addEventListener('change', () => {
    if (connection.type === type) return;
    type = connection.type;
    if (type !== 'none') listener();
  });
}
