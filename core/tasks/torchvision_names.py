"""What is known of torchvision's data sets without importing torchvision: their classes and where their files are."""

from pathlib import Path

from core.paths import home

_CIFAR100 = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel
can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel
streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm"""
_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
VALIDATION_SHARE = 0.15  # of torchvision's training images, by a hash of their number
CLASSES = {
    "fashion-mnist": _FASHION,
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "cifar100": tuple(_CIFAR100.split()),
}

IDX_FILES = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
# where Debian's package dataset-fashion-mnist puts the original files, gzipped
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
# as torchvision lays them out under its root
_FILES = {
    "fashion-mnist": tuple(f"FashionMNIST/raw/{name}" for name in IDX_FILES),
    "cifar10": ("cifar-10-batches-py/batches.meta", "cifar-10-batches-py/test_batch"),
    "cifar100": ("cifar-100-python/meta", "cifar-100-python/train", "cifar-100-python/test"),
}


def root() -> Path:
    """The folder that torchvision reads from and downloads into."""
    return home() / "datasets"


def place(name: str) -> Path | None:
    """Where the files of a data set are: `root()`, Debian's folder, or None if nowhere."""
    if all((root() / file).is_file() for file in _FILES[name]):
        return root()
    if name == "fashion-mnist" and all((DEBIAN_FASHION / f"{file}.gz").is_file() for file in IDX_FILES):
        return DEBIAN_FASHION
    return None


def remedy(name: str) -> str:
    """One sentence: how to get a data set that is not here."""
    target = (root() / _FILES[name][0]).parent
    debian = "install the Debian package dataset-fashion-mnist, " if name == "fashion-mnist" else ""
    return (
        f"The data set {name} is not on this machine: {debian}put its unpacked files into {target}, "
        f"or download it with python -m core tasks --download {name}"
    )
