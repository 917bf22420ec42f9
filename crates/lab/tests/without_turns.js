// Every RTCPeerConnection goes without `turns:`; nothing else of its configuration changes.
(() => {
  const without = (configuration) => ({
    ...configuration,
    iceServers: (configuration?.iceServers ?? [])
      .map((server) => ({ ...server, urls: [server.urls].flat().filter((url) => !url.startsWith('turns:')) }))
      .filter((server) => server.urls.length > 0),
  });
  const Real = window.RTCPeerConnection;
  const { setConfiguration } = Real.prototype;
  Real.prototype.setConfiguration = function (configuration) {
    return setConfiguration.call(this, without(configuration));
  };
  window.RTCPeerConnection = new Proxy(Real, {
    construct: (target, [configuration, ...rest], newTarget) =>
      Reflect.construct(target, [without(configuration), ...rest], newTarget === window.RTCPeerConnection ? target : newTarget),
  });
})();
