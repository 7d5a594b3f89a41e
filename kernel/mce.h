/* mce.h - machine checks: mce.c. */
#ifndef KERNEL_MCE_H
#define KERNEL_MCE_H

void mce_setup(void); /* each CPU: errors are reported from here on; names those before the boot */
void mce_print(void); /* crash report: the banks that hold an error */

#endif
