// Streams, which are always done, events, and the one capture that may be under way.

#include "stand_in.h"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

static std::mutex lock;  // of the capture and of events

struct Event {
    bool recorded = false;
    unsigned long long capture = 0;  // in which it was recorded, 0 outside of any
};

static struct {
    unsigned long long id = 0;  // counts up; 0 stands for no capture
    bool active = false, broken = false;
    cudaStream_t origin = nullptr;
    std::set<cudaStream_t> streams;  // the origin and those that have waited for it
    std::thread::id thread;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
} capture;

static thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

static cudaGraph_t const a_graph = (cudaGraph_t)0x10;
static cudaGraphExec_t const an_executable = (cudaGraphExec_t)0x20;

bool is_capturing(cudaStream_t stream) {
    std::lock_guard<std::mutex> guard(lock);
    return capture.active && capture.streams.count(stream);
}

bool any_capture() {
    std::lock_guard<std::mutex> guard(lock);
    return capture.active;
}

bool is_guarded() {
    std::lock_guard<std::mutex> guard(lock);
    if (!capture.active || thread_mode == cudaStreamCaptureModeRelaxed) return false;
    if (capture.thread == std::this_thread::get_id())
        return capture.mode != cudaStreamCaptureModeRelaxed;
    return thread_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

static bool is_of_capture(const Event *event) {
    std::lock_guard<std::mutex> guard(lock);
    return capture.active && event->capture == capture.id;
}

cudaError_t refuse(cudaError_t error) {
    {
        std::lock_guard<std::mutex> guard(lock);
        capture.broken = true;
    }
    report(capture_errors);
    return failed(error);
}

extern "C" {

static std::atomic<long> num_streams;

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned, int) {
    *stream = (cudaStream_t)(0x1000 + 16 * ++num_streams);
    return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    return cudaStreamCreateWithPriority(stream, 0, 0);
}
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaDeviceSynchronize() {
    report(device_sync);
    return any_capture() ? refuse() : cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    report(stream_sync);
    return is_capturing(stream) ? refuse() : cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    return is_capturing(stream) || is_guarded() ? refuse() : cudaSuccess;
}
cudaError_t cudaStreamAddCallback(cudaStream_t, cudaStreamCallback_t, void *, unsigned) {
    return failed(cudaErrorNotSupported);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
    *event = (cudaEvent_t)new Event;
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { delete (Event *)event; return cudaSuccess; }

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
    bool captured = is_capturing(stream);
    std::lock_guard<std::mutex> guard(lock);
    *(Event *)event = {true, captured ? capture.id : 0};
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return cudaEventRecordWithFlags(event, stream, 0);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
    return is_of_capture((Event *)event) || is_guarded() ? refuse() : cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    report(event_sync);
    return is_of_capture((Event *)event) || is_guarded() ? refuse() : cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t, cudaEvent_t) {
    *milliseconds = 1;
    return cudaSuccess;
}

// What waits for a captured stream is captured with it; a captured stream waits for nothing else.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    if (is_of_capture((Event *)event)) {
        std::lock_guard<std::mutex> guard(lock);
        capture.streams.insert(stream);
    } else if (is_capturing(stream) && ((Event *)event)->recorded) {
        return refuse(cudaErrorStreamCaptureIsolation);
    }
    return cudaSuccess;
}

// ---- capture ---------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    if (any_capture() || !stream) return refuse();
    std::lock_guard<std::mutex> guard(lock);
    capture.id++;
    capture.active = true;
    capture.broken = false;
    capture.origin = stream;
    capture.streams = {stream};
    capture.thread = std::this_thread::get_id();
    capture.mode = mode;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    std::lock_guard<std::mutex> guard(lock);
    *graph = nullptr;
    if (!capture.active || stream != capture.origin) return failed(cudaErrorIllegalState);
    capture.active = false;
    if (capture.broken) return failed(cudaErrorStreamCaptureInvalidated);
    *graph = a_graph;
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
    std::lock_guard<std::mutex> guard(lock);
    *status = !capture.active || !capture.streams.count(stream) ? cudaStreamCaptureStatusNone
              : capture.broken ? cudaStreamCaptureStatusInvalidated
                               : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(
    cudaStream_t stream, cudaStreamCaptureStatus *status, unsigned long long *id,
    cudaGraph_t *graph, const cudaGraphNode_t **nodes, const cudaGraphEdgeData **edges,
    size_t *num_nodes) {
    if (id) *id = capture.id;
    if (graph) *graph = a_graph;
    if (nodes) *nodes = nullptr;
    if (edges) *edges = nullptr;
    if (num_nodes) *num_nodes = 0;
    return cudaStreamIsCapturing(stream, status);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
    std::swap(*mode, thread_mode);
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(
    cudaGraphExec_t *executable, cudaGraph_t, unsigned long long) {
    *executable = an_executable;
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) {
    count(graph_launches);
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t *, size_t *num_nodes) {
    *num_nodes = 1;  // 0 makes torch warn of an empty graph
    return cudaSuccess;
}
}
