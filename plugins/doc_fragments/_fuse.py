# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.fuse.ARGUMENT_SPEC: when a plan deletes too much.
    DOCUMENTATION = r"""
options:
  max_deletions:
    description:
      - How many images the plan may delete, over all targets of the task together. If it is more, nothing at all
        is written, and the task fails, in check mode, too.
      - This and the other limits count what is uncertain as deleted. A target without a forecast, because the token
        must not list tags for example, fails and is not written.
      - An entry of C(declarations) may have a limit of its own. What it deletes counts for that one and not for this.
    type: int
  max_deletions_percent:
    description:
      - How many of the images in the changed targets the plan may delete, as a percentage.
    type: float
  min_keep:
    description:
      - How many images must stay in each repository in which the plan deletes some.
    type: int
  protect:
    description:
      - Regular expressions of Python. If the plan deletes an image with a tag in which one of them is found, nothing at
        all is written, and the task fails.
      - An image without a tag has the empty name here, so that V(.*) protects everything, and V(.) what has a tag.
      - An expression that cannot be evaluated in reasonable time protects what it may find.
    type: list
    elements: str
  in_use:
    description:
      - Images that run somewhere, as a list of references or digests, or of files of them. If the plan deletes one of
        them, or may delete it, nothing at all is written, and the task fails.
      - What begins with V(/), V(.) or V(~) is the path of a file on the host where the module runs, with a reference on
        each line, or several with blanks between them, as C(kubectl get pods -A -o jsonpath) gives them.
      - C(registry.example.com/acme/app:v1), C(acme/app:v1), both with C(@sha256:...), C(docker-pullable://...) and a
        digest alone are understood. With a digest, the tag does not count; without both, C(latest) is meant.
      - References of other hosts than the registry (see O(in_use_hosts)) are left out. One without a host may be of any
        registry, so it counts.
      - A tag is kept as such; a digest as long as one tag with it stays, or one index that it is in. What is not in the
        listings is no error, and is counted in RV(plan).
      - A file that cannot be read or is empty, and words that are no reference, are refused before any request. Write
        V([]) if really nothing is in use.
    type: list
    elements: str
  in_use_hosts:
    description:
      - Further hosts, with C(:port) if need be, by which clusters know the images of this registry. A mirror or a proxy
        is one.
      - The host of the registry itself is known. For SWR it is the address of the interface with C(swr.) for
        C(swr-api.), for DigitalOcean C(registry.digitalocean.com).
    type: list
    elements: str
  on_limit:
    description:
      - What to do if repositories go beyond O(min_keep), O(protect) or O(in_use).
      - V(fail) refuses the whole plan.
      - V(skip) leaves those targets as they are whose change is felt in such a repository, names them in RV(left_out),
        and serves the others.
      - O(max_deletions) and O(max_deletions_percent) always refuse the whole plan. With V(skip) they count what is
        left.
    type: str
    choices: [fail, skip]
    default: fail
  limits_count:
    description:
      - Which images the limits count.
      - V(all) counts all images that go, also those that go anyway under what is there now.
      - V(added) counts only what the change adds.
    type: str
    choices: [all, added]
    default: all
"""
