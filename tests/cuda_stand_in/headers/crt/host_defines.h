/* What CUDA's headers want from its compiler's package, which the wheels of torch lack, for g++. */
#pragma once

#define CUDARTAPI
#define __host__
#define __device__
#define __cdecl
#define __device_builtin__
#define __device_builtin_texture_type__
#define __device_builtin_surface_type__
#define __cudart_builtin__
#define __specialization_static static
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __builtin_align__(bytes) __align__(bytes)
#define __inline_hint__
#define __location__(where)
