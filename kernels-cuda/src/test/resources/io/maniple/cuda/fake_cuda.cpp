// A libcuda.so.1 that works on the host's memory: what NvidiaDriver calls, and no more. A "kernel" copies bytes.
#include <cstdlib>
#include <cstring>
typedef unsigned long long ptr;
static size_t used;
static const size_t total = 1 << 24;
static thread_local void* current;
static int entered() { return current ? 0 : 201; }
struct copy_box { ptr from, to; long long bytes; };
extern "C" {
int cuInit(unsigned) { return 0; }
int cuDriverGetVersion(int* version) { const char* asked = getenv("FAKE_CUDA_VERSION"); *version = asked ? atoi(asked) : 13000; return 0; }
int cuDeviceGetCount(int* count) { *count = getenv("FAKE_CUDA_NONE") ? 0 : 1; return 0; }
int cuDeviceGet(int* device, int) { *device = 0; return 0; }
int cuDeviceGetName(char* name, int length, int) { strncpy(name, "Fake GPU", length); return 0; }
int cuDeviceGetAttribute(int* value, int number, int) { *value = number == 75 ? 9 : number == 76 ? 0 : number == 16 ? 132 : 1000; return 0; }
int cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = total; return 0; }
int cuDevicePrimaryCtxRetain(void** context, int) { *context = (void*) 0x1234; return 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(void* context) { current = context; return 0; }
int cuMemGetInfo_v2(size_t* free, size_t* all) { *free = total - used; *all = total; return entered(); }
int cuMemAlloc_v2(ptr* address, size_t bytes) {
    if (bytes > total - used) return 2;
    char* memory = (char*) malloc(bytes + 8);
    memcpy(memory, &bytes, 8);
    used += bytes;
    *address = (ptr) (memory + 8);
    return entered();
}
int cuMemFree_v2(ptr address) { size_t bytes; memcpy(&bytes, (char*) address - 8, 8); used -= bytes; free((char*) address - 8); return entered(); }
int cuMemcpyHtoDAsync_v2(ptr to, const void* from, size_t bytes, void*) { memcpy((void*) to, from, bytes); return entered(); }
int cuMemcpyDtoHAsync_v2(void* to, ptr from, size_t bytes, void*) { memcpy(to, (void*) from, bytes); return entered(); }
int cuMemcpyDtoDAsync_v2(ptr to, ptr from, size_t bytes, void*) { memcpy((void*) to, (void*) from, bytes); return entered(); }
int cuMemsetD8Async(ptr to, unsigned char value, size_t bytes, void*) { memset((void*) to, value, bytes); return entered(); }
int cuStreamCreate(void** stream, unsigned) { *stream = malloc(1); return entered(); }
int cuStreamDestroy_v2(void* stream) { free(stream); return 0; }
int cuStreamSynchronize(void*) { return entered(); }
int cuStreamWaitEvent(void*, void*, unsigned) { return entered(); }
int cuEventCreate(void** event, unsigned) { *event = malloc(1); return entered(); }
int cuEventRecord(void*, void*) { return entered(); }
int cuEventSynchronize(void*) { return entered(); }
int cuEventElapsedTime(float* milliseconds, void*, void*) { *milliseconds = 2.5f; return entered(); }
int cuEventDestroy_v2(void* event) { free(event); return 0; }
int cuModuleLoadData(void** module, const void* code) { if (memcmp(code, "fake", 4)) return 200; *module = (void*) 1; return entered(); }
int cuModuleUnload(void*) { return 0; }
int cuModuleGetFunction(void** function, void*, const char* name) {
    *function = (void*) (strcmp(name, "copy") == 0 ? 7 : 8);
    return strcmp(name, "copy") && strcmp(name, "fault") ? 500 : entered();
}
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned, unsigned bx, unsigned by, unsigned, unsigned, void*, void** parameters, void**) {
    if (function == (void*) 8) return 700;
    if (gx != 3 || gy != 2 || bx != 64 || by != 4) return 1;
    copy_box box;
    memcpy(&box, parameters[0], sizeof box);
    memcpy((void*) box.to, (void*) box.from, box.bytes);
    return entered();
}
int cuGetErrorString(int status, const char** text) {
    *text = status == 700 ? "an illegal memory access was encountered" : status == 2 ? "out of memory" : "an error";
    return 0;
}
int cuGetErrorName(int, const char** text) { *text = "NAME"; return 0; }
}
