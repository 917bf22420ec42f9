// The little of Node.js that the client uses; a real project has @types/node.
declare const process: { argv: string[]; exit(code: number): never };
declare const Buffer: { from(bytes: Uint8Array): { toString(encoding: 'base64url'): string } };
