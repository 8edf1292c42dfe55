// What the parts of the stand-in share.

#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#define COUNTS(X)                                                                                \
    X(launches) X(graph_launches) X(launches_captured) X(launches_beside_capture) X(blas)         \
    X(h2d_pinned) X(h2d_pageable) X(d2h_pinned) X(d2h_pageable) X(d2d) X(memsets)                 \
    X(stream_sync) X(device_sync) X(event_sync) X(memcpy_sync) X(mallocs) X(capture_errors)

enum Count {
#define X(name) name,
    COUNTS(X)
#undef X
    num_counts
};

static const size_t total_memory = 80ull << 30;

// Called at each wait, each copy between host and device and each call that a capture forbids, in
// the thread that asked for it and before anything else happens, so that its stack can be read.
// No lock is held meanwhile: the listener may have to wait for Python's.
typedef void (*Listener)(const char *what, const void *host, size_t bytes);

void count(Count what);
void report(Count what, const void *host = nullptr, size_t bytes = 0);

// Remembers an error for cudaGetLastError.
cudaError_t failed(cudaError_t error);

bool any_capture();
bool is_capturing(cudaStream_t stream);

// Whether calls that might disturb a capture, such as cudaMalloc, are forbidden to this thread.
bool is_guarded();

// Counts a forbidden call, which fails, and the capture with it.
cudaError_t refuse(cudaError_t error = cudaErrorStreamCaptureUnsupported);
