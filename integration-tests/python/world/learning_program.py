"""scikit-learn, scikit-image, Pillow, Matplotlib, NetworkX on arrays of the user's."""

import io
import os
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import skimage
import sklearn.cluster
import sklearn.decomposition
import sklearn.ensemble
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.neighbors
import sklearn.pipeline
import sklearn.preprocessing
import sklearn.svm
import sklearn.tree
from PIL import Image
from skimage import color, exposure, feature, filters, measure, morphology, segmentation, transform

warnings.simplefilter("ignore")
SIZE = int(os.environ["WORLD_SIZE"])
rng = np.random.default_rng(3)


def show(name, *values):
    for v in values:
        print(
            name,
            type(v).__name__,
            np.round(v, 5) + 0.0
            if isinstance(v, (float, np.floating, np.ndarray)) and np.asarray(v).dtype.kind == "f"
            else v,
        )


X = rng.normal(size=(SIZE // 4, 4)) * [1, 2, 3, 4]
w = np.array([1.0, -2, 0.5, 0]) * 1
y = X @ w + 3
c = (y > 3) * 1
few = min(len(X), 1000)

show(
    "linear",
    sklearn.linear_model.LinearRegression().fit(X, y).coef_,
    sklearn.linear_model.Ridge().fit(X, y).predict(X)[:3],
)
show(
    "logistic",
    sklearn.linear_model.LogisticRegression().fit(X[:few], c[:few]).score(X, c),
    sklearn.linear_model.Lasso(alpha=0.1).fit(X, y).coef_.round(3),
)
scaled = sklearn.preprocessing.StandardScaler().fit_transform(X)
show(
    "scaler",
    scaled.mean(axis=0).round(9) + 0.0,
    type(scaled),
    (scaled * 2 + X).sum().round(4),
    sklearn.preprocessing.MinMaxScaler().fit(X).data_max_,
)
show(
    "preprocessing",
    sklearn.preprocessing.PolynomialFeatures(2).fit_transform(X[:3]),
    sklearn.preprocessing.normalize(X)[:2],
    sklearn.preprocessing.OneHotEncoder().fit_transform(c.reshape(-1, 1)).sum(),
)
show(
    "pca",
    np.abs(sklearn.decomposition.PCA(2).fit(X).components_),
    sklearn.decomposition.TruncatedSVD(2, random_state=0).fit(X).explained_variance_ratio_,
)
show(
    "kmeans",
    np.sort(sklearn.cluster.KMeans(3, n_init=1, random_state=0).fit(X[:few]).cluster_centers_, axis=0),
    sklearn.cluster.DBSCAN(eps=2).fit(X[:few]).labels_[:9],
)
show(
    "tree",
    sklearn.tree.DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, c).score(X, c),
    sklearn.ensemble.RandomForestRegressor(5, random_state=0).fit(X[:few], y[:few]).predict(X[:3]),
)
show(
    "neighbours",
    sklearn.neighbors.KNeighborsClassifier(3).fit(X[:few], c[:few]).predict(X[:9]),
    sklearn.svm.SVC().fit(X[:few], c[:few]).predict(X[:9]),
)
parts = sklearn.model_selection.train_test_split(X, y, c, random_state=1)
show("split", [p.shape for p in parts], parts[0].sum(), [type(p) for p in parts])
show(
    "pipeline",
    sklearn.model_selection.cross_val_score(
        sklearn.pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), sklearn.linear_model.LinearRegression()),
        X,
        y,
        cv=3,
    ),
)
show(
    "metrics",
    sklearn.metrics.mean_squared_error(y, y * 1.1),
    sklearn.metrics.accuracy_score(c, c * 1),
    sklearn.metrics.confusion_matrix(c, 1 - c),
    sklearn.metrics.roc_auc_score(c, y),
    sklearn.metrics.r2_score(y, y + 1),
)
show("pairwise", sklearn.metrics.pairwise_distances(X[:3], X[:4] * 2), sklearn.metrics.pairwise.rbf_kernel(X[:2]))

side = int(np.sqrt(SIZE))
yy, xx = np.mgrid[0:side, 0:side] * 1.0
image = (np.sin(xx / 9) * np.cos(yy / 7) + 1) / 2
rgb = np.stack([image, 1 - image, image * 0.5], axis=-1)
show(
    "filters",
    filters.gaussian(image, 2)[3, :3],
    filters.sobel(image)[3, :3],
    filters.threshold_otsu(image),
    filters.median((image * 255).astype(np.uint8))[0, :4],
)
show(
    "color", color.rgb2gray(rgb)[0, :3], color.rgb2hsv(rgb)[0, 0], color.rgb2lab(rgb)[0, 0], color.gray2rgb(image).shape
)
show(
    "transform",
    transform.resize(image, (20, 30))[3, :3],
    transform.rotate(image, 30)[side // 2, :3],
    transform.rescale(image, 0.5)[2, :3],
    transform.warp(image, transform.AffineTransform(scale=np.array([2.0, 2]) * 1))[0, :3],
)
labels = measure.label(image > 0.7)
show(
    "measure",
    labels.max(),
    len(measure.regionprops(labels)),
    measure.regionprops(labels, image)[0].mean_intensity,
    len(measure.find_contours(image, 0.5)),
    measure.shannon_entropy(image > 0.5),
)
show(
    "morphology",
    morphology.dilation(image > 0.7, morphology.disk(3)).sum(),
    morphology.remove_small_objects(labels, max_size=30).max(),
    morphology.skeletonize(image > 0.6).sum(),
)
show(
    "exposure",
    exposure.equalize_hist(image)[2, :3],
    exposure.rescale_intensity(image, out_range=(0, 255))[1, :3],
    exposure.adjust_gamma(image, 2)[1, :3],
    skimage.img_as_ubyte(image)[0, :4],
)
show(
    "feature",
    feature.canny(image, 2).sum(),
    feature.peak_local_max(image, min_distance=5)[:2],
    feature.hog(image[:64, :64]).sum(),
    feature.local_binary_pattern((image[:40, :40] * 255).astype(np.uint8), 8, 1).sum(),
)
show(
    "segmentation",
    segmentation.slic(rgb[:60, :60], 10).max(),
    segmentation.watershed(-image[:60, :60], labels[:60, :60]).sum(),
    segmentation.clear_border(labels).max(),
)
show(
    "metrics",
    skimage.metrics.structural_similarity(image, image * 0.9, data_range=1.0),
    skimage.metrics.peak_signal_noise_ratio(image, image * 0.9),
)

byte = (rgb * 255).astype(np.uint8)
pil = Image.fromarray(byte)
show(
    "pillow",
    pil.size,
    pil.mode,
    np.asarray(pil).sum(),
    np.array(pil)[0, 0],
    np.asarray(pil.convert("L"))[0, :3],
    (np.asarray(pil) * 1.0 + rgb).sum(),
)
buffer = io.BytesIO()
pil.save(buffer, "PNG")
show(
    "png",
    len(buffer.getvalue()),
    np.asarray(Image.open(buffer)).shape,
    Image.fromarray(image.astype(np.float32)).mode,
    Image.fromarray(image > 0.5).size,
    Image.fromarray(byte[..., 0]).resize((9, 9)).getpixel((3, 3)),
)

figure, axes = plt.subplots(2, 3)
line = axes[0, 0].plot(X[:300, 0], y[:300])[0]
axes[0, 1].imshow(image)
show("hist", *axes[0, 2].hist(y, bins=5)[:2])
axes[1, 0].scatter(X[:200, 0], X[:200, 1], c=y[:200], s=np.arange(200) * 0.1)
axes[1, 1].contourf(xx[:30, :30], yy[:30, :30], image[:30, :30])
axes[1, 1].pcolormesh(image[:20, :20])
axes[1, 2].bar(np.arange(5) * 1, np.arange(5) * 2.0)
axes[1, 2].errorbar(np.arange(5) * 1, np.arange(5) * 2.0, yerr=np.ones(5) * 0.2)
axes[1, 2].fill_between(np.arange(5) * 1, np.arange(5) * 1.0, np.arange(5) * 2.0)
axes[1, 0].quiver(xx[:4, :4], yy[:4, :4], image[:4, :4], image[:4, :4])
axes[1, 0].set_xlim(X[:, 0].min(), X[:, 0].max())
axes[0, 0].set_xticks(np.arange(3) * 2)
axes[0, 0].boxplot([y[:100], y[100:300]])
figure.canvas.draw()
show(
    "line",
    line.get_xdata()[:2],
    type(line.get_ydata()),
    axes[1, 0].get_xlim(),
    np.asarray(figure.canvas.buffer_rgba()).astype(int).sum(),
)
plt.savefig(io.BytesIO(), format="svg")

adjacency = (rng.random((60, 60)) > 0.9) * 1
G = nx.from_numpy_array(adjacency)
show(
    "networkx",
    G.number_of_edges(),
    nx.to_numpy_array(G).sum(),
    nx.number_connected_components(G),
    round(sum(nx.pagerank(G).values()), 6),
    nx.laplacian_spectrum(G)[-3:],
)
weighted = nx.from_numpy_array(adjacency * rng.random((60, 60)), create_using=nx.DiGraph)
show(
    "networkx 2",
    round(weighted.size("weight"), 6),
    nx.shortest_path_length(G, 0, 5),
    (nx.to_numpy_array(G) * adjacency).sum(),
    nx.adjacency_matrix(G).sum(),
    nx.attr_matrix(G)[0].shape,
)
H = nx.Graph()
H.add_edges_from(np.arange(8).reshape(4, 2) * 1)
H.add_nodes_from(np.arange(3) * 1)
show(
    "networkx 3",
    sorted(H),
    {
        k: v.round(4).tolist()
        for k, v in nx.spring_layout(
            nx.path_graph(3), pos=dict(enumerate(np.eye(3, 2) * 1)), seed=1, iterations=3
        ).items()
    },
)
