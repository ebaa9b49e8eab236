"""Modules of SciPy and scikit-learn that have moved, and where they are today."""

from __future__ import annotations

_EIGEN = "scipy.sparse.linalg.eigen"

SCIPY = dict.fromkeys(
    (_EIGEN, f"{_EIGEN}.arpack", f"{_EIGEN}.arpack.arpack"), "scipy.sparse.linalg"
)

# public until 0.22 under the name at the left, below the same package since
_SKLEARN_PRIVATE = {
    "cluster": "k_means_:_kmeans bicluster:_bicluster hierarchical:_agglomerative",
    "datasets": "base:_base samples_generator:_samples_generator",
    "decomposition": "pca:_pca nmf:_nmf truncated_svd:_truncated_svd",
    "ensemble": "forest:_forest bagging:_bagging gradient_boosting:_gb "
    "weight_boosting:_weight_boosting",
    "feature_extraction": "stop_words:_stop_words",
    "gaussian_process": "gpr:_gpr gpc:_gpc",
    "linear_model": "base:_base logistic:_logistic ridge:_ridge "
    "coordinate_descent:_coordinate_descent stochastic_gradient:_stochastic_gradient",
    "manifold": "t_sne:_t_sne isomap:_isomap mds:_mds",
    "metrics": "scorer:_scorer ranking:_ranking classification:_classification "
    "regression:_regression",
    "mixture": "gaussian_mixture:_gaussian_mixture base:_base",
    "neighbors": "base:_base classification:_classification unsupervised:_unsupervised",
    "neural_network": "multilayer_perceptron:_multilayer_perceptron rbm:_rbm",
    "preprocessing": "data:_data label:_label",
    "svm": "classes:_classes base:_base",
    "tree": "tree:_classes",
    "utils": "testing:_testing",
}

SKLEARN = {
    f"sklearn.{package}.{old}": f"sklearn.{package}.{new}"
    for package, pairs in _SKLEARN_PRIVATE.items()
    for old, new in (pair.split(":") for pair in pairs.split())
} | {
    "sklearn.externals.joblib": "joblib",
    "sklearn.externals.six": "six",
    "sklearn.externals.six.moves": "six.moves",
    "sklearn.grid_search": "sklearn.model_selection",
    "sklearn.learning_curve": "sklearn.model_selection",
    "sklearn.lda": "sklearn.discriminant_analysis",
    "sklearn.qda": "sklearn.discriminant_analysis",
    "sklearn.cross_validation": "retrograd.compat.restore.sklearn_names",
    "sklearn.utils.linear_assignment_": "retrograd.compat.restore.sklearn_names",
}
