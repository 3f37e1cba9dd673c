# shellcheck shell=bash disable=SC2034
# shared settings of the Slurm peer (sourced)
S=${SLURM_PEER_STATE:-/var/lib/passerelle-slurm}
NODES=${SLURM_PEER_NODES:-2}
CORES=${SLURM_PEER_CORES:-4}
USERS=${SLURM_PEER_USERS:-psl-alice psl-bob}
SVC=${SLURM_PEER_SVC:-psl-hub}
NET=${SLURM_PEER_NET:-10.231.87}
CTLPORT=${SLURM_PEER_CTLPORT:-23617}
DPORT=${SLURM_PEER_DPORT:-23618}
DBD=${SLURM_PEER_DBD:-0}        # 1: slurmdbd over MariaDB, so that sacct answers
DBDPORT=${SLURM_PEER_DBDPORT:-23619}
MYPORT=${SLURM_PEER_MYPORT:-23606}
