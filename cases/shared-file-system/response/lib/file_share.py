"""The file system and its ways in."""

from cdktf_cdktf_provider_aws.efs_access_point import (
    EfsAccessPoint,
    EfsAccessPointPosixUser,
    EfsAccessPointRootDirectory,
    EfsAccessPointRootDirectoryCreationInfo,
)
from cdktf_cdktf_provider_aws.efs_file_system import EfsFileSystem, EfsFileSystemLifecyclePolicy
from cdktf_cdktf_provider_aws.efs_mount_target import EfsMountTarget
from constructs import Construct

OWNER = 5000


class FileShare(Construct):
    """An encrypted file system with a mount target in every subnet and one access point."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        subnet_ids: list[str],
        security_group_id: str,
    ):
        super().__init__(scope, id_)

        self.file_system = EfsFileSystem(
            self,
            "file_system",
            creation_token=f"file-share-{environment_suffix}",
            encrypted=True,
            throughput_mode="elastic",
            lifecycle_policy=[EfsFileSystemLifecyclePolicy(transition_to_ia="AFTER_30_DAYS")],
            tags={"Name": f"file-share-{environment_suffix}"},
        )

        for index, subnet_id in enumerate(subnet_ids):
            EfsMountTarget(
                self,
                f"mount_target_{index}",
                file_system_id=self.file_system,
                subnet_id=subnet_id,
                security_groups=[security_group_id],
            )

        self.access_point = EfsAccessPoint(
            self,
            "projects",
            file_system_id=self.file_system.id,
            posix_user=EfsAccessPointPosixUser(uid=OWNER, gid=OWNER),
            root_directory=EfsAccessPointRootDirectory(
                path="/projects",
                creation_info=EfsAccessPointRootDirectoryCreationInfo(
                    owner_uid=OWNER, owner_gid=OWNER, permissions="0770"
                ),
            ),
        )
