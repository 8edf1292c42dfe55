/* The driver's library, libcuda.so.1, which torch loads on demand. It is asked only whether the device
   has a context; the others are the names that the loader wants. */

#define DONE(name) int name(void) { return 0; }

DONE(cuInit)
DONE(cuCtxSetCurrent)
DONE(cuDeviceGet)
DONE(cuDeviceGetAttribute)
DONE(cuDevicePrimaryCtxRetain)
DONE(cuFuncGetAttribute)
DONE(cuFuncSetAttribute)
DONE(cuFuncSetCacheConfig)
DONE(cuGetErrorString)
DONE(cuLaunchCooperativeKernel)
DONE(cuLaunchKernel)
DONE(cuLinkAddData_v2)
DONE(cuLinkComplete)
DONE(cuLinkCreate_v2)
DONE(cuModuleGetFunction)
DONE(cuModuleLoad)
DONE(cuModuleLoadData)
DONE(cuModuleLoadDataEx)
DONE(cuModuleUnload)
DONE(cuOccupancyMaxActiveBlocksPerMultiprocessor)
DONE(cuPointerGetAttribute)
DONE(cuTensorMapEncodeTiled)

int cuCtxGetCurrent(void **context) {
    *context = (void *)0x10;
    return 0;
}

int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    (void)device;
    *flags = 0;
    *active = 1;
    return 0;
}
