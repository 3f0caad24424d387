# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _swr.registry.client: which SWR, and who asks.
    DOCUMENTATION = r"""
options:
  swr_url:
    description:
      - The address of the SWR API, for example V(https://swr-api.eu-de.otc.t-systems.com). That is not the address that
        images are pulled from.
      - Without it, O(swr_region) is needed.
      - If it is not set, the environment variable E(SWR_URL) is used.
    type: str
  swr_region:
    description:
      - A region of Huawei Cloud, a short cut for O(swr_url) and O(iam_url). Other clouds need these.
      - If it is not set, the environment variables E(SWR_REGION), E(HW_REGION_NAME) and E(OS_REGION_NAME) are used.
    type: str
  iam_url:
    description:
      - The address of IAM, where O(swr_username) gets a token, for example V(https://iam.eu-de.otc.t-systems.com).
      - If it is not set, the environment variables E(IAM_URL) and E(OS_AUTH_URL) are used.
    type: str
  swr_access_key:
    description:
      - An access key (AK). With it, each request is signed with O(swr_secret_key).
      - There are three ways to sign in. The first that is given counts, O(swr_token), this one, O(swr_username).
      - If it is not set, the environment variables E(SWR_ACCESS_KEY), E(HUAWEICLOUD_SDK_AK), E(HW_ACCESS_KEY) and
        E(OS_ACCESS_KEY) are used.
    type: str
  swr_secret_key:
    description:
      - The secret key (SK) of O(swr_access_key).
      - If it is not set, the environment variables E(SWR_SECRET_KEY), E(HUAWEICLOUD_SDK_SK), E(HW_SECRET_KEY) and
        E(OS_SECRET_KEY) are used.
    type: str
  swr_security_token:
    description:
      - The security token of a temporary O(swr_access_key).
      - If it is not set, the environment variables E(SWR_SECURITY_TOKEN), E(HUAWEICLOUD_SDK_SECURITY_TOKEN),
        E(HW_SECURITY_TOKEN) and E(OS_SECURITY_TOKEN) are used.
    type: str
  swr_project_id:
    description:
      - The id of the project. Needed with O(swr_access_key) for sub-projects only; with O(swr_username) instead of
        O(swr_project).
      - If it is not set, the environment variables E(SWR_PROJECT_ID), E(HUAWEICLOUD_SDK_PROJECT_ID), E(HW_PROJECT_ID)
        and E(OS_PROJECT_ID) are used.
    type: str
  swr_project:
    description:
      - The name of the project for which O(swr_username) gets a token. By default O(swr_region), which is the name of
        the main project of a region.
      - If it is not set, the environment variables E(SWR_PROJECT), E(HW_PROJECT_NAME), E(OS_PROJECT_NAME) and
        E(OS_TENANT_NAME) are used.
    type: str
  swr_username:
    description:
      - An IAM user. A HUAWEI ID cannot get a token.
      - If it is not set, the environment variables E(SWR_USERNAME), E(HW_USER_NAME) and E(OS_USERNAME) are used.
    type: str
  swr_password:
    description:
      - The password of O(swr_username). It is sent once a task, to O(iam_url), and never again after it was refused,
        because IAM locks accounts.
      - If it is not set, the environment variables E(SWR_PASSWORD), E(HW_USER_PASSWORD) and E(OS_PASSWORD) are used.
    type: str
  swr_domain:
    description:
      - The name of the account to which O(swr_username) belongs, which IAM calls its domain. It is shown as
        I(Account Name) in I(My Credentials), and is neither an internet domain nor the user's name.
      - If it is not set, the environment variables E(SWR_DOMAIN), E(HW_DOMAIN_NAME), E(OS_USER_DOMAIN_NAME) and
        E(OS_DOMAIN_NAME) are used.
    type: str
  swr_token:
    description:
      - A token of IAM for the project that you have already.
      - If it is not set, the environment variables E(SWR_TOKEN), E(OS_TOKEN) and E(OS_AUTH_TOKEN) are used.
    type: str
"""
