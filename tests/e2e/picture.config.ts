// Takes the pictures of the documents: `npm run picture`, from the same server as the tests.
import config from './playwright.config.js';

export default { ...config, testMatch: '*.picture.ts' };
