// A CUDA runtime without a GPU, put before the real one by LD_PRELOAD.
//
// Device memory is host memory. Copies and fills are made, kernels are counted and do nothing, so
// whatever a kernel should have written stays 0 or what was there before. Streams are always done.
// What CUDA refuses while a stream is captured is refused here with the same error.
//
// It proves that a program gets through ATen's own checks (devices, dtypes, layouts, determinism),
// where its host waits or copies, how many kernels it launches, and that a capture is legal. It
// proves nothing about values, speed, cuDNN, or streams that were not joined to a capture again.
//
// Here: kernels and the device. memory.cpp and streams.cpp have the rest.

#include "stand_in.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <vector>

static const char *const names[] = {
#define X(name) #name,
    COUNTS(X)
#undef X
};

static std::atomic<long> counts[num_counts];
static std::atomic<Listener> listener;
static thread_local cudaError_t last_error = cudaSuccess;

void count(Count what) { ++counts[what]; }

void report(Count what, const void *host, size_t bytes) {
    count(what);
    if (Listener heard = listener) heard(names[what], host, bytes);
}

cudaError_t failed(cudaError_t error) { return last_error = error; }

static cudaError_t launched(cudaStream_t stream) {
    count(launches);
    if (is_capturing(stream)) count(launches_captured);
    // It would run now and be in no replay.
    else if (any_capture()) report(launches_beside_capture);
    return cudaSuccess;
}

extern "C" {

// ---- for Python and blas.c -------------------------------------------------------------------

int stand_in_num_counts() { return num_counts; }
const char *stand_in_count_name(int what) { return names[what]; }
void stand_in_counts(long *out) { for (int i = 0; i < num_counts; ++i) out[i] = counts[i]; }
// What is put on the device's list of things to do.
long stand_in_work() {
    return counts[launches] + counts[graph_launches] + counts[d2d] + counts[memsets];
}
void stand_in_listen(Listener heard) { listener = heard; }
void stand_in_count_blas() { count(blas); }

// ---- kernels ---------------------------------------------------------------------------------

// What the compiler of CUDA puts into a library for each of its kernels.
void **__cudaRegisterFatBinary(void *) { static void *handle; return &handle; }
void __cudaRegisterFatBinaryEnd(void **) {}
void __cudaUnregisterFatBinary(void **) {}
void __cudaRegisterFunction(
    void **, const char *, char *, const char *, int, uint3 *, uint3 *, dim3 *, dim3 *, int *) {}
void __cudaRegisterVar(void **, char *, char *, const char *, int, size_t, int, int) {}
char __cudaInitModule(void **) { return 1; }

// kernel<<<grid, block, shared, stream>>>(…) pushes, and the kernel's stub pops.
struct Launch { dim3 grid, block; size_t shared; void *stream; };
static thread_local std::vector<Launch> pushed;

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, CUstream_st *stream) {
    pushed.push_back({grid, block, shared, stream});
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
    Launch launch = pushed.back();
    pushed.pop_back();
    *grid = launch.grid;
    *block = launch.block;
    *shared = launch.shared;
    *(void **)stream = launch.stream;
    return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) {
    *kernel = (cudaKernel_t)function;
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(
    cudaKernel_t, dim3, dim3, void **, size_t, cudaStream_t stream) { return launched(stream); }
cudaError_t cudaLaunchKernel(
    const void *, dim3, dim3, void **, size_t, cudaStream_t stream) { return launched(stream); }
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *, void **) {
    return launched(config->stream);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *) {
    memset(attributes, 0, sizeof *attributes);
    attributes->maxThreadsPerBlock = 1024;
    attributes->numRegs = 32;
    attributes->binaryVersion = attributes->ptxVersion = 90;
    attributes->maxDynamicSharedSizeBytes = 48 << 10;
    return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int) { return cudaSuccess; }

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, const void *, int, size_t, unsigned) {
    *blocks = 2;
    return cudaSuccess;
}

cudaError_t cudaGetSymbolAddress(void **address, const void *symbol) {
    *address = (void *)symbol;
    return cudaSuccess;
}

// ---- the device: one, of the kind of an H100 --------------------------------------------------

cudaError_t cudaGetDeviceCount(int *count) { *count = 1; return cudaSuccess; }
cudaError_t cudaGetDevice(int *device) { *device = 0; return cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : failed(cudaErrorInvalidDevice);
}
cudaError_t cudaDriverGetVersion(int *version) { *version = CUDART_VERSION; return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *version) { *version = CUDART_VERSION; return cudaSuccess; }
cudaError_t cudaPeekAtLastError() { return last_error; }
cudaError_t cudaGetLastError() {
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *device, int) {
    memset(device, 0, sizeof *device);
    strcpy(device->name, "stand-in for a GPU");
    device->totalGlobalMem = total_memory;
    device->major = 9;
    device->multiProcessorCount = 132;
    device->warpSize = 32;
    device->maxThreadsPerBlock = 1024;
    device->maxThreadsPerMultiProcessor = 2048;
    device->maxBlocksPerMultiProcessor = 32;
    device->sharedMemPerBlock = 48 << 10;
    device->sharedMemPerBlockOptin = 227 << 10;
    device->sharedMemPerMultiprocessor = 228 << 10;
    device->regsPerBlock = 65536;
    device->maxGridSize[0] = 2147483647;
    device->maxGridSize[1] = device->maxGridSize[2] = 65535;
    device->maxThreadsDim[0] = device->maxThreadsDim[1] = 1024;
    device->maxThreadsDim[2] = 64;
    device->l2CacheSize = 50 << 20;
    device->textureAlignment = 512;
    device->unifiedAddressing = device->concurrentKernels = device->canMapHostMemory = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
    cudaDeviceProp device;
    cudaGetDeviceProperties(&device, 0);
    switch (attribute) {
        case cudaDevAttrComputeCapabilityMajor: *value = device.major; break;
        case cudaDevAttrComputeCapabilityMinor: *value = device.minor; break;
        case cudaDevAttrMultiProcessorCount: *value = device.multiProcessorCount; break;
        case cudaDevAttrWarpSize: *value = device.warpSize; break;
        case cudaDevAttrMaxThreadsPerBlock: *value = device.maxThreadsPerBlock; break;
        case cudaDevAttrMaxThreadsPerMultiProcessor:
            *value = device.maxThreadsPerMultiProcessor; break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = device.sharedMemPerBlock; break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = device.sharedMemPerBlockOptin; break;
        case cudaDevAttrMaxRegistersPerBlock: *value = device.regsPerBlock; break;
        case cudaDevAttrMaxGridDimX: *value = device.maxGridSize[0]; break;
        case cudaDevAttrMaxGridDimY:
        case cudaDevAttrMaxGridDimZ: *value = device.maxGridSize[1]; break;
        default: *value = 1;
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int *can, int, int) { *can = 0; return cudaSuccess; }
cudaError_t cudaDeviceGetPCIBusId(char *id, int size, int) {
    snprintf(id, size, "0000:01:00.0");
    return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(
    const char *, void **function, unsigned, unsigned long long,
    cudaDriverEntryPointQueryResult *found) {
    *function = nullptr;
    if (found) *found = cudaDriverEntryPointSymbolNotFound;
    return failed(cudaErrorNotSupported);
}
}
