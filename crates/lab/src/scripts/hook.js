// Runs in every page before its own scripts. Collects what tests look at; changes nothing.
(() => {
  if (window.__lab) return;
  const lab = (window.__lab = { pcs: [], sockets: [], log: [], clicks: [], firstFrames: [], marks: [], asked: 0, tones: 0 });

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

  // What happened when, by the clock of the machine, which all browsers of a lab share.
  const mark = (what) => {
    lab.marks.push({ what, at: performance.timeOrigin + performance.now() });
    if (lab.marks.length > 500) lab.marks.shift();
  };
  // Types of the server's frames, as they arrive and before the app hears of them.
  const listen = WebSocket.prototype.addEventListener;
  const { push } = lab.sockets;
  lab.sockets.push = function (socket) {
    listen.call(socket, 'message', ({ data }) => mark('got ' + JSON.parse(data).t));
    listen.call(socket, 'close', ({ code }) => mark('closed ' + code));
    return push.call(this, socket);
  };
  // The state the page shows, and how many calls ring.
  new MutationObserver(() => {
    const { callState, incoming } = document.querySelector('[data-call-state]')?.dataset ?? {};
    const now = `shows ${callState} ${incoming}`;
    if (callState && lab.marks.findLast(({ what }) => what.startsWith('shows '))?.what !== now) mark(now);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-call-state', 'data-incoming'] });

  // How often a camera or microphone was asked for, and how many tones have been played.
  const devices = navigator.mediaDevices;
  const ask = devices?.getUserMedia;
  if (ask) devices.getUserMedia = (...wanted) => (lab.asked++, ask.apply(devices, wanted));
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    lab.tones++;
    return start.apply(this, when);
  };

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
        const count = (at, { presentedFrames }) => {
          this.__frames = presentedFrames;
          this.requestVideoFrameCallback(count);
        };
        this.requestVideoFrameCallback(count);
      }
    },
  });
})();
