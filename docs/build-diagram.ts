/** `npm run docs:diagram`: draws architecture.svg. */
import { writeFileSync } from 'node:fs';
import { drawArchitecture } from './diagram.ts';

writeFileSync(`${import.meta.dirname}/architecture.svg`, await drawArchitecture());
