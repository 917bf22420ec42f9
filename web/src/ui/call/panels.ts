/** The panels beside a call; one is open at a time. */
export type PanelName = 'chat' | 'settings' | 'figures';
