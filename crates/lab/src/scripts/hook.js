// Runs in every page before its own scripts. Collects what tests look at; changes nothing.
(() => {
  if (window.__lab) return;
  const lab = (window.__lab = { pcs: [], sockets: [], log: [], clicks: [], firstFrames: [] });

  const collect = (name, list) => {
    const Real = window[name];
    if (!Real) return;
    window[name] = new Proxy(Real, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget === window[name] ? target : newTarget);
        list.push(made);
        return made;
      },
    });
  };
  collect('RTCPeerConnection', lab.pcs);
  collect('WebSocket', lab.sockets);

  const note = (kind, parts) => {
    lab.log.push(kind + ': ' + parts.map((part) => part?.stack ?? String(part)).join(' '));
    if (lab.log.length > 60) lab.log.shift();
  };
  for (const level of ['error', 'warn']) {
    const real = console[level];
    console[level] = (...parts) => (note(level, parts), real.apply(console, parts));
  }
  addEventListener('error', (event) => note('uncaught', [event.error ?? event.message]));
  addEventListener('unhandledrejection', (event) => note('unhandled', [event.reason]));
  addEventListener('securitypolicyviolation', (event) =>
    note('csp', [event.violatedDirective, event.blockedURI]));

  // When a control was pressed, and when a picture of a stream was first presented.
  addEventListener('click', (event) => {
    const name = event.target?.closest?.('button')?.textContent?.trim() ?? '';
    lab.clicks.push({ name, at: event.timeStamp });
  }, true);
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
    ...source,
    set(stream) {
      source.set.call(this, stream);
      if (stream) this.__attached = (this.__attached ?? 0) + 1;
      if (stream && this.requestVideoFrameCallback) {
        this.requestVideoFrameCallback((at) =>
          lab.firstFrames.push({ role: this.dataset.role ?? '', at }));
      }
    },
  });
})();
