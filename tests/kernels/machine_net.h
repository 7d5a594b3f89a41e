#ifndef TESTS_KERNELS_MACHINE_NET_H
#define TESTS_KERNELS_MACHINE_NET_H
void test_net(void);
#endif
