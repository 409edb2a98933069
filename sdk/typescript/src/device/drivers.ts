// Where a device keeps texts: a browser's database, its small storage, an app's storage, memory.
import type { Driver } from "./cache.js";

/** A browser's IndexedDB; the best there is in a browser. */
export function indexedDb(name = "sports-edge"): Driver {
  let opening: Promise<IDBDatabase> | undefined;
  const open = () =>
    (opening ??= new Promise<IDBDatabase>((done, fail) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        // Somebody wants to delete it: let go, and open again when next asked.
        request.result.onversionchange = () => {
          request.result.close();
          opening = undefined;
        };
        done(request.result);
      };
      request.onerror = () => fail(request.error ?? new Error("the database does not open"));
    }).catch((error: unknown) => {
      opening = undefined;
      throw error;
    }));
  return {
    async get(names) {
      const store = (await open()).transaction(STORE).objectStore(STORE);
      return Promise.all(names.map((one) => settled<string>(store.get(one))));
    },
    async set(texts) {
      const transaction = (await open()).transaction(STORE, "readwrite", { durability: "relaxed" });
      const store = transaction.objectStore(STORE);
      for (const [one, text] of texts) text === null ? store.delete(one) : store.put(text, one);
      await new Promise<void>((done, fail) => {
        transaction.oncomplete = () => done();
        transaction.onabort = transaction.onerror = () => fail(transaction.error ?? new Error("the write was called off"));
      });
    },
  };
}

const STORE = "kept";

function settled<T>(request: IDBRequest): Promise<T> {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result as T);
    request.onerror = () => fail(request.error ?? new Error("the read failed"));
  });
}

/** What is used of a browser's `localStorage`. */
export interface StorageLike {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
  removeItem(name: string): void;
}

/** A browser's `localStorage`, or anything with its methods: small, and it blocks; for old browsers. */
export function webStorage(storage: StorageLike = localStorage): Driver {
  return {
    get: async (names) => names.map((name) => storage.getItem(name)),
    async set(texts) {
      for (const [name, text] of texts) text === null ? storage.removeItem(name) : storage.setItem(name, text);
    },
  };
}

/** What is used of `@react-native-async-storage/async-storage`, version 3. */
export interface AsyncStorageLike {
  getMany(names: string[]): Promise<Record<string, string | null>>;
  setMany(texts: Record<string, string>): Promise<void>;
  removeMany(names: string[]): Promise<void>;
}

/** The same of versions 1 and 2. */
export interface AsyncStorageLegacy {
  multiGet(names: string[]): Promise<readonly (readonly [string, string | null])[]>;
  multiSet(texts: [string, string][]): Promise<void>;
  multiRemove(names: string[]): Promise<void>;
}

/** React Native's AsyncStorage. */
export function asyncStorage(storage: AsyncStorageLike | AsyncStorageLegacy): Driver {
  return {
    async get(names) {
      const found = "getMany" in storage ? await storage.getMany(names) : Object.fromEntries(await storage.multiGet(names));
      return names.map((name) => found[name]);
    },
    async set(texts) {
      // The last word on a name counts.
      const last = [...new Map(texts)];
      const put = last.filter((one): one is [string, string] => one[1] !== null);
      const gone = last.filter((one) => one[1] === null).map(([name]) => name);
      if (gone.length > 0) await ("removeMany" in storage ? storage.removeMany(gone) : storage.multiRemove(gone));
      if (put.length > 0) await ("setMany" in storage ? storage.setMany(Object.fromEntries(put)) : storage.multiSet(put));
    },
  };
}

/** What is used of `react-native-mmkv`; `remove` in version 4, `delete` before. */
export interface MmkvLike {
  getString(name: string): string | undefined;
  set(name: string, text: string): void;
  remove?(name: string): unknown;
  delete?(name: string): unknown;
}

/** React Native's MMKV. */
export function mmkv(storage: MmkvLike): Driver {
  return webStorage({
    getItem: (name) => storage.getString(name) ?? null,
    setItem: (name, text) => storage.set(name, text),
    removeItem: (name) => void (storage.remove?.(name) ?? storage.delete?.(name)),
  });
}

/** Memory: for tests, and where nothing else is there. */
export function memory(texts = new Map<string, string>()): Driver {
  return webStorage({
    getItem: (name) => texts.get(name) ?? null,
    setItem: (name, text) => void texts.set(name, text),
    removeItem: (name) => void texts.delete(name),
  });
}
