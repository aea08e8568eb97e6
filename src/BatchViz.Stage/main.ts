import 'uplot/dist/uPlot.min.css';

document.documentElement.dataset.stage = 'loaded';
