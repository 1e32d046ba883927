from __future__ import annotations

from typing import Any

from symmdp.practical.pictures._mirror_pair import EXAMPLE, Policy, draw_mirror_pair, height_of_pair, mirror_pair
from symmdp.practical.pictures._picture import Picture, new_figure

_RANGES = (
    ("position x", -2.2, 2.2, 0.1),
    ("velocity ẋ", -1.0, 1.0, 0.1),
    ("angle θ", -0.2, 0.2, 0.01),
    ("angular velocity θ̇", -1.0, 1.0, 0.1),
)
_STILL = ((1.6, 0.4, 0.16, -0.4), (0.0, 0.0, 0.12, 0.6), (-1.2, -0.5, -0.19, 0.0))


class MirrorSlider:
    """Sliders that move a state of CartPole, while its mirror image moves along; and with a policy, what it does in both.

    A notebook with a kernel and ipywidgets shows the sliders. Where there are none (on paper, on a page of the web, without
    ipywidgets) it shows three states instead.

    Args:
        policy: takes observations `(states, 4)` to probabilities `(states, 2)`; none is drawn without one.

    Attributes:
        state: what the sliders say, `(x, ẋ, θ, θ̇)`.
        action: 0 (left) or 1 (right).
        widget: of ipywidgets; None where it is not installed.

    Raises:
        ShapeError: the policy gives no two probabilities.
        MissingExtraError: matplotlib is not installed.
    """

    def __init__(self, policy: Policy | None = None):
        self.policy = policy
        self.state, self.action = list(EXAMPLE), 1
        self.widget = self._sliders()

    @property
    def picture(self) -> Picture:
        """The state and its mirror image, as they are now."""
        return mirror_pair(self.state, self.action, self.policy)

    def still(self) -> Picture:
        """Some states and their mirror images below each other, for where nothing can be moved."""
        figure = new_figure(9.5, height_of_pair(self.policy) * len(_STILL))
        for part, state, action in zip(figure.subfigures(len(_STILL), 1, squeeze=False)[:, 0], _STILL, (1, 0, 0), strict=True):
            draw_mirror_pair(part, state, action, self.policy)
        return Picture(figure, "three states of CartPole and their mirror images")

    def _sliders(self) -> Any:
        try:
            import ipywidgets
        except ModuleNotFoundError:
            return None
        wide = {"description_width": "9em"}
        sliders = [
            ipywidgets.FloatSlider(value=value, min=low, max=high, step=step, description=name, style=wide)
            for value, (name, low, high, step) in zip(self.state, _RANGES, strict=True)
        ]
        push = ipywidgets.ToggleButtons(options=[("push left", 0), ("push right", 1)], value=self.action)
        image = ipywidgets.Image(value=self.picture.png(), format="png", width=912)

        def moved(_: Any) -> None:
            self.state, self.action = [slider.value for slider in sliders], push.value
            image.value = self.picture.png()

        for control in (*sliders, push):
            control.observe(moved, names="value")
        columns = [ipywidgets.VBox(sliders[:2]), ipywidgets.VBox(sliders[2:])]
        return ipywidgets.VBox([ipywidgets.HBox(columns), push, image])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, size = self.still()._repr_mimebundle_()
        if self.widget is None:
            return bundle, size
        # A notebook shows the richest entry that it can: the sliders, or else the image.
        live = self.widget._repr_mimebundle_()
        live = live[0] if isinstance(live, tuple) else live
        return {**live, **bundle}, size
