"""Networks: tensors in, tensors out; one file for each conf/model/*.yaml."""
