/* mce.h - machine checks: mce.c. */
#ifndef KERNEL_MCE_H
#define KERNEL_MCE_H

/* each CPU: from here on errors are reported; prints those from before the boot */
void mce_setup(void);
void mce_print(void); /* crash report: the banks that hold an error */

#endif
