// The texts of the service worker, in every language: it carries these few, and nothing else.
import { arWorker } from './ar.worker.ts';
import { deWorker } from './de.worker.ts';
import { enWorker } from './en.worker.ts';
import type { Language } from './languages.ts';
import type { In } from './translation.ts';

export type WorkerTexts = In<typeof enWorker>;

export const workerTexts: Readonly<Record<Language, WorkerTexts>> = { en: enWorker, de: deWorker, ar: arWorker };
