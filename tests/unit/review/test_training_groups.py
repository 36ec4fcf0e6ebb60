from __future__ import annotations

from earmark.review.training_groups import Groups


def test_files_are_in_one_group_by_a_chain_of_clusters_and_alone_without_one():
    groups = Groups()
    for clusters in ([1, 2], [3, 4], [2, 3], [4, 1], [7], []):
        groups.join(clusters)

    chain = {groups.name_of(file, cluster) for file, cluster in enumerate([1, 2, 3, 4])}
    assert len(chain) == 1
    assert groups.name_of(8, 7) == groups.name_of(9, 7) == "cluster-7"
    assert groups.name_of(8, None) != groups.name_of(9, None)


def test_the_chain_is_found_however_it_was_joined():
    groups = Groups()
    for cluster in reversed(range(100)):
        groups.join([cluster + 1, cluster])
    assert len({groups.name_of(0, cluster) for cluster in range(101)}) == 1
