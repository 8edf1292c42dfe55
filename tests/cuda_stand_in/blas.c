/* cuBLAS and cuBLASLt: what torch multiplies with counts a call and does nothing. Their headers are
   left out on purpose: no argument is looked at. */

#include <stddef.h>
#include <string.h>

void stand_in_count_blas(void);

#define PRODUCT(name) int name(void) { stand_in_count_blas(); return 0; }
#define DONE(name) int name(void) { return 0; }
#define HANDLE(name) int name(void **handle) { *handle = (void *)0x10; return 0; }
#define ZERO(name) int name(void *handle, int *value) { (void)handle; *value = 0; return 0; }

#define OF_EACH_TYPE(name)                                                                       \
    PRODUCT(cublasS##name) PRODUCT(cublasD##name) PRODUCT(cublasC##name) PRODUCT(cublasZ##name)

OF_EACH_TYPE(gemm_v2)
OF_EACH_TYPE(gemv_v2)
OF_EACH_TYPE(gemmStridedBatched)
PRODUCT(cublasSdot_v2)
PRODUCT(cublasDdot_v2)
PRODUCT(cublasDotEx)
PRODUCT(cublasSgemmEx)
PRODUCT(cublasGemmEx)
PRODUCT(cublasGemmStridedBatchedEx)
PRODUCT(cublasLtMatmul)

HANDLE(cublasCreate_v2)
DONE(cublasDestroy_v2)
ZERO(cublasGetMathMode)
ZERO(cublasGetPointerMode_v2)
DONE(cublasSetMathMode)
DONE(cublasSetPointerMode_v2)
DONE(cublasSetStream_v2)
DONE(cublasSetWorkspace_v2)

HANDLE(cublasLtMatmulDescCreate)
DONE(cublasLtMatmulDescDestroy)
DONE(cublasLtMatmulDescSetAttribute)
HANDLE(cublasLtMatmulPreferenceCreate)
DONE(cublasLtMatmulPreferenceDestroy)
DONE(cublasLtMatmulPreferenceSetAttribute)
HANDLE(cublasLtMatrixLayoutCreate)
DONE(cublasLtMatrixLayoutDestroy)
DONE(cublasLtMatrixLayoutSetAttribute)

/* cublasLtMatmulHeuristicResult_t. */
typedef struct {
    unsigned long long algorithm[8];
    size_t workspace;
    int status;
    float waves;
    int reserved[4];
} Algorithm;

int cublasLtMatmulAlgoGetHeuristic(
    void *handle, void *description, void *a, void *b, void *c, void *d, void *preference,
    int num, Algorithm *found, int *num_found) {
    (void)handle, (void)description, (void)a, (void)b, (void)c, (void)d, (void)preference;
    memset(found, 0, sizeof *found * num);
    *num_found = 1;
    return 0;
}
