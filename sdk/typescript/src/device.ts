// The device's part: `@sports-edge/sdk/device`.
export { deviceCache, type DeviceCache, type DeviceOptions, type Driver } from "./device/cache.js";
export { asyncStorage, indexedDb, memory, mmkv, webStorage, type AsyncStorageLegacy, type AsyncStorageLike, type MmkvLike } from "./device/drivers.js";
export { native, type AppStateLike, type NetInfoLike } from "./device/native.js";
