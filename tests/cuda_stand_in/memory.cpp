// Memory of the device and pinned memory of the host, and copies between them.

#include "stand_in.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

static std::mutex lock;  // of everything below that is not atomic
typedef std::map<const char *, size_t> Blocks;
static Blocks device_blocks, pinned_blocks;

static bool is_in(const Blocks &blocks, const void *address) {
    std::lock_guard<std::mutex> guard(lock);
    auto block = blocks.upper_bound((const char *)address);
    if (block == blocks.begin()) return false;
    --block;
    return (const char *)address < block->first + block->second;
}

// Who times the host asks for it: to copy and fill is the device's work, not the host's.
static const bool only_counts = getenv("CUDA_STAND_IN_ONLY_COUNTS");

static bool on_device(const void *address) { return is_in(device_blocks, address); }
static bool is_pinned(const void *address) { return is_in(pinned_blocks, address); }

// Fresh pages are zeros, and take memory only once they are written to.
static cudaError_t allocate(Blocks &blocks, void **address, size_t bytes) {
    void *pages =
        mmap(nullptr, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *address = pages == MAP_FAILED ? nullptr : pages;
    if (!*address) return failed(cudaErrorMemoryAllocation);
    std::lock_guard<std::mutex> guard(lock);
    blocks[(const char *)pages] = bytes ? bytes : 1;
    return cudaSuccess;
}

static cudaError_t release(Blocks &blocks, void *address) {
    if (!address) return cudaSuccess;
    size_t bytes;
    {
        std::lock_guard<std::mutex> guard(lock);
        auto block = blocks.find((const char *)address);
        if (block == blocks.end()) return failed(cudaErrorInvalidValue);
        bytes = block->second;
        blocks.erase(block);
    }
    munmap(address, bytes);
    return cudaSuccess;
}

static cudaError_t copied(void *to, const void *from, size_t bytes, bool recorded) {
    bool to_device = on_device(to), from_device = on_device(from);
    if (to_device && from_device) count(d2d);
    else if (to_device) report(is_pinned(from) ? h2d_pinned : h2d_pageable, from, bytes);
    else report(is_pinned(to) ? d2h_pinned : d2h_pageable, to, bytes);
    if (only_counts && to_device && from_device) return cudaSuccess;
    if (!recorded) memmove(to, from, bytes);
    else if (!(to_device || is_pinned(to)) || !(from_device || is_pinned(from))) return refuse();
    return cudaSuccess;
}

extern "C" {

cudaError_t cudaMalloc(void **address, size_t bytes) {
    if (is_guarded()) return refuse();
    count(mallocs);
    return allocate(device_blocks, address, bytes);
}
cudaError_t cudaMallocAsync(void **address, size_t bytes, cudaStream_t) {
    return cudaMalloc(address, bytes);
}
cudaError_t cudaFree(void *address) {
    if (address && is_guarded()) return refuse();
    return release(device_blocks, address);
}
cudaError_t cudaFreeAsync(void *address, cudaStream_t) { return cudaFree(address); }

cudaError_t cudaHostAlloc(void **address, size_t bytes, unsigned) {
    if (is_guarded()) return refuse();
    return allocate(pinned_blocks, address, bytes);
}
cudaError_t cudaFreeHost(void *address) { return release(pinned_blocks, address); }
cudaError_t cudaHostRegister(void *address, size_t bytes, unsigned) {
    std::lock_guard<std::mutex> guard(lock);
    pinned_blocks[(const char *)address] = bytes;
    return cudaSuccess;
}
cudaError_t cudaHostUnregister(void *address) {
    std::lock_guard<std::mutex> guard(lock);
    pinned_blocks.erase((const char *)address);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
    *total = total_memory;
    *free = total_memory - (2ull << 30);
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *address) {
    memset(attributes, 0, sizeof *attributes);
    attributes->type = on_device(address)   ? cudaMemoryTypeDevice
                       : is_pinned(address) ? cudaMemoryTypeHost
                                            : cudaMemoryTypeUnregistered;
    attributes->devicePointer = (void *)address;
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(
    void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
    return copied(to, from, bytes, is_capturing(stream));
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind) {
    report(memcpy_sync);
    if (is_guarded()) return refuse();
    return copied(to, from, bytes, false);
}
cudaError_t cudaMemcpyPeerAsync(
    void *to, int, const void *from, int, size_t bytes, cudaStream_t stream) {
    return copied(to, from, bytes, is_capturing(stream));
}

cudaError_t cudaMemsetAsync(void *address, int value, size_t bytes, cudaStream_t stream) {
    count(memsets);
    if (!is_capturing(stream) && !only_counts) memset(address, value, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemset(void *address, int value, size_t bytes) {
    if (is_guarded()) return refuse();
    return cudaMemsetAsync(address, value, bytes, nullptr);
}
}
